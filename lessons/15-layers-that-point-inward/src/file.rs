//! The lines of the nightly import: `member 12x999,1x250` is 12 pieces of 9.99 and one of 2.50 for a member.

use crate::{LineBody, OrderBody};

/// Reads one line; `None` if it is none.
pub fn read(line: &str) -> Option<OrderBody> {
    let (who, lines) = line.split_once(' ')?;
    let member = match who {
        "member" => true,
        "guest" => false,
        _ => return None,
    };
    let lines = lines.split(',').map(|line| {
        let (pieces, cents) = line.split_once('x')?;
        Some(LineBody { cents: cents.parse().ok()?, pieces: pieces.parse().ok()? })
    });
    Some(OrderBody { member, lines: lines.collect::<Option<_>>()? })
}
