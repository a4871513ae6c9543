// SPDX-License-Identifier: BSD-2-Clause
use std::hint::black_box;

extern "C" {
    fn raise(signal: i32) -> i32;
}

#[inline(never)]
fn leaf(n: u64) -> u64 {
    black_box(n) + unsafe { raise(19) } as u64
}

#[inline(never)]
fn sized(n: u64) -> u64 {
    let room = black_box([n; 100]);
    leaf(room[7]) + black_box(room)[3]
}

#[inline(never)]
fn busy(items: &mut Vec<u64>) -> u64 {
    items.iter_mut().map(|item| sized(*item)).sum::<u64>() + black_box(1)
}

fn main() {
    println!("{}", busy(&mut vec![1, 2, 3]));
}
