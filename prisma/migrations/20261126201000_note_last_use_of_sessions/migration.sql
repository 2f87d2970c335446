-- Where the tokens of a session were last asked for from. Sessions that are there keep null until they ask again: nothing is known of it.
ALTER TABLE "sessions" ADD COLUMN "last_ip" TEXT;
ALTER TABLE "sessions" ADD COLUMN "last_user_agent" TEXT;
