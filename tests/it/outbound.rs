//! The way to the Partner API: through which proxy, trusting whom, named how, and
//! where the key goes and where it does not.
//!
//! * [`servers`]: small servers that stand in the way and take notes
//! * [`connections`]: proxies, certificates, redirects
//! * [`canaries`]: what a log of everything holds when connections fail

mod canaries;
mod connections;
mod servers;
