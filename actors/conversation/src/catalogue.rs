//! Every sentence the bot says, from a catalogue with plural and variable rules.
