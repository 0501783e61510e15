"""Both platforms for development and tests: what speaks to the bot as a QQ client or the official platform does."""
