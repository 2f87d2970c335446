-- Whether no token of a session's generation has come back yet. Sessions that are there count as seen: nobody has watched them.
ALTER TABLE "sessions" ADD COLUMN "unseen" BOOLEAN NOT NULL DEFAULT false;
