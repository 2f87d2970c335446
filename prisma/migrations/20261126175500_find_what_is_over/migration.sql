-- Housekeeping finds what is over without reading the whole table.

-- CreateIndex
CREATE INDEX "sessions_revoked_at_idx" ON "sessions"("revoked_at") WHERE ("revoked_at" IS NOT NULL);

-- CreateIndex
CREATE INDEX "outbox_mails_finished_at_idx" ON "outbox_mails"("finished_at") WHERE ("finished_at" IS NOT NULL);

-- Events are appended in the order of time: a few kilobytes are enough to find those of a span of time.
CREATE INDEX "events_at_idx" ON "events" USING BRIN ("at");
