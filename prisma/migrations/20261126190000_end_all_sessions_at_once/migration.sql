-- All sessions of a user end at once, however many there are: those of an earlier epoch than the user's are over.
ALTER TABLE "users" ADD COLUMN "session_epoch" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "users" ADD COLUMN "sessions_ended_at" TIMESTAMPTZ(3);
ALTER TABLE "sessions" ADD COLUMN "epoch" INTEGER NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "users_sessions_ended_at_idx" ON "users"("sessions_ended_at") WHERE ("sessions_ended_at" IS NOT NULL);

-- CreateIndex
CREATE INDEX "sessions_user_id_epoch_created_at_idx" ON "sessions"("user_id", "epoch", "created_at") WHERE ("revoked_at" IS NULL);

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
