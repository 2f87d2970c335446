-- AlterTable
ALTER TABLE "mail_allowances" DROP CONSTRAINT "mail_allowances_pkey",
ADD COLUMN     "network" TEXT NOT NULL DEFAULT '',
ADD CONSTRAINT "mail_allowances_pkey" PRIMARY KEY ("kind", "email", "network");
