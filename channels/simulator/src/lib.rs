//! Strict local stand-ins for every vendor, and the handset page.
