-- CreateTable
CREATE TABLE "password_attempts" (
    "subject" TEXT NOT NULL,
    "failures" INTEGER NOT NULL,
    "blocked_until" TIMESTAMPTZ(3) NOT NULL,
    "kept_until" TIMESTAMPTZ(3),

    CONSTRAINT "password_attempts_pkey" PRIMARY KEY ("subject")
);

-- CreateIndex
CREATE INDEX "password_attempts_kept_until_idx" ON "password_attempts"("kept_until");

-- When a password was switched off, after too many wrong ones in a row.
ALTER TABLE "passwords" ADD COLUMN "disabled_at" TIMESTAMPTZ(3);
