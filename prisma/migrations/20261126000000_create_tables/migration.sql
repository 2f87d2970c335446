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
    "user_id" INTEGER,
    "session_id" UUID,
    "ip" TEXT,
    "user_agent" TEXT,
    "request_id" UUID,
    "details" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "outbox_mails" (
    "id" UUID NOT NULL,
    "sequence" BIGSERIAL NOT NULL,
    "template" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "encrypted_values" BYTEA,
    "status" TEXT NOT NULL DEFAULT 'queued',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL,
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
    "user_id" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "passwords_pkey" PRIMARY KEY ("user_id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" UUID NOT NULL,
    "user_id" INTEGER NOT NULL,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "unseen" BOOLEAN NOT NULL DEFAULT false,
    "epoch" INTEGER NOT NULL DEFAULT 0,
    "access_lifetime" INTEGER NOT NULL,
    "refresh_lifetime" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "rotated_at" TIMESTAMPTZ(3) NOT NULL,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,
    "ip" TEXT NOT NULL,
    "user_agent" TEXT NOT NULL,
    "last_ip" TEXT NOT NULL,
    "last_user_agent" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_reason" TEXT,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "password_attempts" (
    "throttle_key" TEXT NOT NULL,
    "failures" INTEGER NOT NULL,
    "blocked_until" TIMESTAMPTZ(3) NOT NULL,
    "kept_until" TIMESTAMPTZ(3),
    "closed_at" TIMESTAMPTZ(3),

    CONSTRAINT "password_attempts_pkey" PRIMARY KEY ("throttle_key")
);

-- CreateTable
CREATE TABLE "users" (
    "id" SERIAL NOT NULL,
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
    "joined_at" TIMESTAMPTZ(3) NOT NULL,
    "session_epoch" INTEGER NOT NULL DEFAULT 0,
    "sessions_ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "registrations_email_created_at_idx" ON "registrations"("email", "created_at");

-- CreateIndex
CREATE INDEX "registrations_username_key_created_at_idx" ON "registrations"("username_key", "created_at");

-- CreateIndex
CREATE INDEX "registrations_expires_at_idx" ON "registrations"("expires_at");

-- CreateIndex
CREATE INDEX "events_user_id_at_idx" ON "events"("user_id", "at");

-- CreateIndex
CREATE INDEX "events_at_idx" ON "events" USING BRIN ("at");

-- CreateIndex
CREATE INDEX "outbox_mails_status_next_attempt_at_idx" ON "outbox_mails"("status", "next_attempt_at");

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
CREATE INDEX "sessions_user_id_epoch_created_at_idx" ON "sessions"("user_id", "epoch", "created_at") WHERE ("revoked_at" IS NULL);

-- CreateIndex
CREATE INDEX "sessions_ends_at_idx" ON "sessions"("ends_at");

-- CreateIndex
CREATE INDEX "sessions_revoked_at_idx" ON "sessions"("revoked_at") WHERE ("revoked_at" IS NOT NULL);

-- CreateIndex
CREATE INDEX "password_attempts_kept_until_idx" ON "password_attempts"("kept_until") WHERE ("kept_until" IS NOT NULL);

-- CreateIndex
CREATE UNIQUE INDEX "users_uuid_key" ON "users"("uuid");

-- CreateIndex
CREATE UNIQUE INDEX "users_username_key_key" ON "users"("username_key");

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE INDEX "users_sessions_ended_at_idx" ON "users"("sessions_ended_at") WHERE ("sessions_ended_at" IS NOT NULL);

-- AddForeignKey
ALTER TABLE "passwords" ADD CONSTRAINT "passwords_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Ends the sessions beyond those that may be kept beside the one that was just opened, the longest idle first, a thousand at most.
-- A function, because each statement of a volatile function sees what was committed before it began: the statement of a login locks
-- the user and calls this next, and so sees the sessions of the logins that it has waited for.
CREATE FUNCTION end_idlest_sessions(of_user integer, of_epoch integer, opened uuid, kept integer, ended_at timestamptz, why text)
RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN QUERY
    UPDATE sessions SET revoked_at = ended_at, revoked_reason = why
    WHERE revoked_at IS NULL AND id IN (
      SELECT live.id FROM sessions AS live
      WHERE live.user_id = of_user AND live.epoch = of_epoch AND live.revoked_at IS NULL
        AND live.expires_at > ended_at AND live.id <> opened
      ORDER BY live.last_used_at DESC, live.id OFFSET kept LIMIT 1000)
    RETURNING id;
END
$$;
