-- AlterTable
ALTER TABLE "registrations" ADD COLUMN     "network" TEXT NOT NULL DEFAULT '';
