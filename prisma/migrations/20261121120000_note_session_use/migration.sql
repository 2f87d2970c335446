-- When a session was last used: rotation was the only use, and now there is one that does not rotate.
ALTER TABLE "sessions" ADD COLUMN "last_used_at" TIMESTAMPTZ(3);
UPDATE "sessions" SET "last_used_at" = "rotated_at";
ALTER TABLE "sessions" ALTER COLUMN "last_used_at" SET NOT NULL;
