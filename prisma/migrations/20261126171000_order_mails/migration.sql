-- AlterTable
ALTER TABLE "outbox_mails" ADD COLUMN     "sequence" BIGSERIAL NOT NULL;
