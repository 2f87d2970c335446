-- Too many wrong passwords no longer take the password from everybody: they close the account to clients that are not known.
ALTER TABLE "password_attempts" ADD COLUMN "closed_at" TIMESTAMPTZ(3);

-- Passwords that are switched off become accounts that are closed; their users were told.
INSERT INTO "password_attempts" ("subject", "failures", "blocked_until", "closed_at")
SELECT 'user:' || "user_id", 100, "disabled_at", "disabled_at" FROM "passwords" WHERE "disabled_at" IS NOT NULL
ON CONFLICT ("subject") DO UPDATE SET
  "failures" = GREATEST("password_attempts"."failures", 100),
  "closed_at" = EXCLUDED."closed_at";

ALTER TABLE "passwords" DROP COLUMN "disabled_at";
