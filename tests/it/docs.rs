//! The documents: links lead somewhere, commands run, names exist, figures are
//! measured.

mod commands;
mod configuration;
mod links;
mod markdown;
mod names;
mod sizing;
