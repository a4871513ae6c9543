// SPDX-License-Identifier: GPL-2.0-only
#include "thread.bpf.h"

struct threads_map threads SEC(".maps");
struct programs_map programs SEC(".maps");
struct numbered_map numbered SEC(".maps");
struct gone_map gone SEC(".maps");
struct lives_map lives SEC(".maps");

const volatile __u32 page_size = 4096;
const volatile __u32 possible_cpus = 1;
const volatile __u32 timeline = 0;
const volatile struct code fault_entry = {};
const volatile __s64 realtime_offset = 0;
const volatile __u64 lock_secret = 0;

__u64 stopped = 0;
__u64 end_at = 0;
__u64 linger = 0;
__u64 attaching = 0;
__u64 window = 0;
__u64 locks_seen = 0;
__u64 waits_seen = 0;
__u64 rings_seen = 0;
__u64 aio_seen = 0;
__u64 lock_waits = 0;
__u64 locks_begun = 0;
__u64 lock_endless = 0;
__u64 number_ns = 0;
__u64 several_ns = 0;
__u64 ask_all = 0;
struct clock_pair clock_pair = {};
__u64 clock_lag = 0;
__u64 ns_level = 0;
struct probe_cost cost[COST_COUNT] = {};
__u64 lost[LOSS_KIND_COUNT] = {};
__u64 survivors = 0;

char LICENSE[] SEC("license") = "GPL";
