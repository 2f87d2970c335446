-- CreateTable
CREATE TABLE "mail_allowances" (
    "kind" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "sent_at" TIMESTAMPTZ(3)[],
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "mail_allowances_pkey" PRIMARY KEY ("kind", "email")
);

-- CreateIndex
CREATE INDEX "mail_allowances_expires_at_idx" ON "mail_allowances"("expires_at");
