//! How the program gets onto a machine: `make install`, the container image, the release, and what is built in.

mod image;
mod install;
mod release;
mod supply_chain;
