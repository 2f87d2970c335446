-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "registrations" (
    "id" UUID NOT NULL,
    "username" TEXT NOT NULL,
    "username_key" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "first_name" TEXT NOT NULL,
    "last_name" TEXT NOT NULL,
    "phone_number" TEXT NOT NULL,
    "timezone" TEXT NOT NULL,
    "network" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "registrations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "events" (
    "id" BIGSERIAL NOT NULL,
    "type" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "user_id" BIGINT NOT NULL DEFAULT 0,
    "session_id" UUID,
    "ip" TEXT,
    "user_agent" TEXT,
    "request_id" UUID,
    "details" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "events_pkey" PRIMARY KEY ("user_id","at","id")
) PARTITION BY RANGE ("at");

-- CreateTable
CREATE TABLE "outbox_mails" (
    "id" UUID NOT NULL,
    "sequence" BIGSERIAL NOT NULL,
    "template" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "line" TEXT NOT NULL,
    "encrypted_values" BYTEA,
    "token_hash" TEXT,
    "status" TEXT NOT NULL DEFAULT 'queued',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL,
    "leased_until" TIMESTAMPTZ(3),
    "stale_at" TIMESTAMPTZ(3) NOT NULL,
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "outbox_mails_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reauthentications" (
    "session_id" UUID NOT NULL,
    "authenticated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "reauthentications_pkey" PRIMARY KEY ("session_id")
);

-- CreateTable
CREATE TABLE "mail_tokens" (
    "purpose" TEXT NOT NULL,
    "target_id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "spent_at" TIMESTAMPTZ(3),

    CONSTRAINT "mail_tokens_pkey" PRIMARY KEY ("purpose","target_id")
);

-- CreateTable
CREATE TABLE "mail_rate_limits" (
    "kind" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "network" TEXT NOT NULL DEFAULT '',
    "sent_at" TIMESTAMPTZ(3)[],
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "mail_rate_limits_pkey" PRIMARY KEY ("kind","email","network")
);

-- CreateTable
CREATE TABLE "mailbox_mails" (
    "id" SERIAL NOT NULL,
    "recipient" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "html" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "mailbox_mails_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "passwords" (
    "user_id" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "passwords_pkey" PRIMARY KEY ("user_id")
);

-- CreateTable
-- In an order that leaves no gaps: what PostgreSQL aligns to eight bytes comes before what it aligns to four, and both before texts.
CREATE TABLE "sessions" (
    "id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "rotated_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "user_id" BIGINT NOT NULL,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "epoch" INTEGER NOT NULL DEFAULT 0,
    "access_lifetime" INTEGER NOT NULL,
    "refresh_lifetime" INTEGER NOT NULL,
    "unseen" BOOLEAN NOT NULL DEFAULT false,
    "authenticated" BOOLEAN NOT NULL DEFAULT true,
    "ip" TEXT NOT NULL,
    "user_agent" TEXT NOT NULL,
    "last_ip" TEXT,
    "last_user_agent" TEXT,
    "revoked_reason" TEXT,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "django_tokens" (
    "jti" TEXT NOT NULL,
    "session_id" UUID,
    "generation" SMALLINT NOT NULL DEFAULT -1,
    "spent_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "django_tokens_pkey" PRIMARY KEY ("jti")
);

-- CreateIndex
CREATE INDEX "django_tokens_expires_at_idx" ON "django_tokens"("expires_at");

-- CreateTable
CREATE TABLE "password_attempts" (
    "throttle_key" TEXT NOT NULL,
    "failures" INTEGER NOT NULL,
    "logins" INTEGER NOT NULL DEFAULT 0,
    "blocked_until" TIMESTAMPTZ(3) NOT NULL,
    "kept_until" TIMESTAMPTZ(3),
    "closed_at" TIMESTAMPTZ(3),

    CONSTRAINT "password_attempts_pkey" PRIMARY KEY ("throttle_key")
);

-- CreateTable
CREATE TABLE "django_users" (
    "django_id" TEXT NOT NULL,
    "user_id" BIGINT NOT NULL,
    "hash_digest" TEXT NOT NULL,
    "password_version" INTEGER NOT NULL,
    "profile" JSONB NOT NULL,
    "taken_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "django_users_pkey" PRIMARY KEY ("django_id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" BIGSERIAL NOT NULL,
    "uuid" UUID NOT NULL,
    "username" TEXT NOT NULL,
    "username_key" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "email_verified_at" TIMESTAMPTZ(3),
    "first_name" TEXT NOT NULL DEFAULT '',
    "last_name" TEXT NOT NULL DEFAULT '',
    "display_name" TEXT NOT NULL DEFAULT '',
    "phone_number" TEXT NOT NULL DEFAULT '',
    "phone_number_verified" BOOLEAN NOT NULL DEFAULT false,
    "timezone" TEXT NOT NULL DEFAULT 'UTC',
    "disabled_at" TIMESTAMPTZ(3),
    "is_staff" BOOLEAN NOT NULL DEFAULT false,
    "is_superuser" BOOLEAN NOT NULL DEFAULT false,
    "is_practitioner" BOOLEAN NOT NULL DEFAULT false,
    "last_login_at" TIMESTAMPTZ(3),
    "logins" INTEGER NOT NULL DEFAULT 0,
    "joined_at" TIMESTAMPTZ(3) NOT NULL,
    "session_epoch" INTEGER NOT NULL DEFAULT 0,
    "sessions_ended_at" TIMESTAMPTZ(3),
    "epoch_began_at" TIMESTAMPTZ(3),

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "registrations_email_created_at_idx" ON "registrations"("email", "created_at");

-- CreateIndex
CREATE INDEX "registrations_username_key_created_at_idx" ON "registrations"("username_key", "created_at");

-- CreateIndex
CREATE INDEX "registrations_expires_at_idx" ON "registrations"("expires_at");

-- CreateIndex
CREATE INDEX "events_at_idx" ON "events" USING BRIN ("at");

-- CreateIndex
CREATE INDEX "outbox_mails_status_next_attempt_at_sequence_idx" ON "outbox_mails"("status", "next_attempt_at", "sequence");

-- CreateIndex
CREATE INDEX "outbox_mails_line_sequence_idx" ON "outbox_mails"("line", "sequence") WHERE ("status" = 'queued');

-- CreateIndex
CREATE INDEX "outbox_mails_stale_at_idx" ON "outbox_mails"("stale_at") WHERE (("status" = 'abandoned') AND ("encrypted_values" IS NOT NULL));

-- CreateIndex
CREATE INDEX "outbox_mails_finished_at_idx" ON "outbox_mails"("finished_at") WHERE ("finished_at" IS NOT NULL);

-- CreateIndex
CREATE INDEX "reauthentications_authenticated_at_idx" ON "reauthentications"("authenticated_at");

-- CreateIndex
CREATE UNIQUE INDEX "mail_tokens_token_hash_key" ON "mail_tokens"("token_hash");

-- CreateIndex
CREATE INDEX "mail_tokens_expires_at_idx" ON "mail_tokens"("expires_at");

-- CreateIndex
CREATE INDEX "mail_rate_limits_expires_at_idx" ON "mail_rate_limits"("expires_at");

-- CreateIndex
CREATE INDEX "sessions_user_id_epoch_idx" ON "sessions"("user_id", "epoch") WHERE ("revoked_at" IS NULL);

-- CreateIndex
CREATE INDEX "sessions_revoked_at_idx" ON "sessions"("revoked_at") WHERE ("revoked_at" IS NOT NULL);

-- CreateIndex
CREATE INDEX "password_attempts_kept_until_idx" ON "password_attempts"("kept_until") WHERE ("kept_until" IS NOT NULL);

-- CreateIndex
CREATE UNIQUE INDEX "django_users_user_id_key" ON "django_users"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "users_uuid_key" ON "users"("uuid");

-- CreateIndex
CREATE UNIQUE INDEX "users_username_key_key" ON "users"("username_key");

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE INDEX "users_sessions_ended_at_idx" ON "users"("sessions_ended_at") WHERE ("sessions_ended_at" IS NOT NULL);

-- AddForeignKey
ALTER TABLE "django_users" ADD CONSTRAINT "django_users_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "passwords" ADD CONSTRAINT "passwords_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- In place of a foreign key, which would lock the user's row once more at each login. Whatever opens a session has locked that row.
-- Sessions that were ended before have no index by user, and are left to the clean-up.
-- The schema is named, as the operator who deletes a user may have another search path.
CREATE FUNCTION delete_sessions_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('DELETE FROM %I.sessions WHERE user_id = $1 AND revoked_at IS NULL', TG_TABLE_SCHEMA) USING OLD.id;
  RETURN NULL;
END
$$;

CREATE TRIGGER delete_sessions AFTER DELETE ON "users" FOR EACH ROW EXECUTE FUNCTION delete_sessions_of_user();

-- Ends the sessions beyond those that may be kept beside the one that was just opened, the longest idle first, a thousand at most.
-- A function, because each statement of a volatile function sees what was committed before it began: the statement of a login locks
-- the user and calls this next, and so sees the sessions of the logins that it has waited for.
CREATE FUNCTION end_idlest_sessions(of_user bigint, of_epoch integer, opened uuid, kept integer, ended_at timestamptz, why text)
RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN QUERY
    UPDATE sessions SET revoked_at = ended_at, revoked_reason = why
    WHERE revoked_at IS NULL AND id IN (
      SELECT live.id FROM sessions AS live
      WHERE live.user_id = of_user AND live.epoch = of_epoch AND live.revoked_at IS NULL
        AND live.expires_at > ended_at AND live.id <> opened
      ORDER BY coalesce(live.last_used_at, live.created_at) DESC, live.id OFFSET kept LIMIT 1000)
    RETURNING id;
END
$$;

-- The partitions of events: see src/kernel/event-partitions.ts.
CREATE TABLE "events_default" PARTITION OF "events" DEFAULT;

-- For the clean-up, which deletes rows of no other partition.
CREATE INDEX "events_default_at_order" ON "events_default"("at");

-- Makes the partitions that are missing of the month of that instant and of the three months after it. A month of which the default
-- partition holds an event already stays there. Attaching locks the default partition, and no inserts into others.
CREATE FUNCTION create_event_partitions(instant timestamptz) RETURNS void LANGUAGE plpgsql
SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '100ms' AS $$
DECLARE
  month timestamptz;
  month_end timestamptz;
  partition_name text;
BEGIN
  FOR month IN SELECT date_trunc('month', instant) + interval '1 month' * ahead FROM generate_series(0, 3) AS ahead LOOP
    month_end := month + interval '1 month';
    partition_name := to_char(month, '"events_"YYYY_MM');
    CONTINUE WHEN to_regclass(partition_name) IS NOT NULL
      OR EXISTS (SELECT FROM events_default WHERE at >= month AND at < month_end);
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', partition_name);
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition_name, month, month_end);
    -- Without this, each event changes the summary of the range that it falls into, until that range is full.
    PERFORM brin_desummarize_range(indexrelid, 0)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
    WHERE indrelid = to_regclass(partition_name) AND amname = 'brin';
  END LOOP;
END
$$;

-- Drops the oldest partition whose month was over before the month of that instant, and says how many rows it had, as estimated by
-- PostgreSQL and 1 at least; 0 where there is none. Inserts wait behind the lock, so it is given up soon.
CREATE FUNCTION drop_event_partition(instant timestamptz) RETURNS integer LANGUAGE plpgsql
SET timezone = 'UTC' SET lock_timeout = '100ms' AS $$
DECLARE
  partition_name text;
  row_count integer;
BEGIN
  SELECT relname, greatest(reltuples, 1) INTO partition_name, row_count
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
  WHERE inhparent = to_regclass('events') AND relname ~ '^events_\d{4}_\d\d$' AND relname < to_char(instant, '"events_"YYYY_MM')
  ORDER BY relname LIMIT 1;
  IF partition_name IS NULL THEN RETURN 0; END IF;
  EXECUTE format('DROP TABLE %I', partition_name);
  RETURN row_count;
END
$$;

SELECT create_event_partitions(now());
