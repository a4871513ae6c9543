// SPDX-License-Identifier: BSD-2-Clause
/* The names of servers that threads waited for. */
#include <criterion/criterion.h>
#include <string.h>

#include "event/event.h"

static const struct {
	struct peer_key key;
	const char *words;
} peers[] = {
	{ { .address = { 127, 0, 0, 1 }, .port = 5432, .family = PEER_INET }, "127.0.0.1:5432" },
	{ { .address = { 255, 255, 255, 255 }, .port = 65535, .family = PEER_INET },
	  "255.255.255.255:65535" },
	{ { .family = PEER_INET }, "0.0.0.0:0" },
	{ { .address = { 192, 0, 2, 7, 9, 9 }, .port = 80, .family = PEER_INET }, "192.0.2.7:80" },
	{ { .address = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, .port = 443, .family = PEER_INET6 },
	  "[2001:db8::1]:443" },
	{ { .address = { [15] = 1 }, .port = 8080, .family = PEER_INET6 }, "[::1]:8080" },
	{ { .family = PEER_INET6 }, "[::]:0" },
	{ { .address = { [10] = 255, 255, 127, 0, 0, 1 }, .port = 9, .family = PEER_INET6 },
	  "[::ffff:127.0.0.1]:9" },
	{ { .address = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
			 255 },
	    .port = 65535,
	    .family = PEER_INET6 },
	  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
	{ { .pid = 99, .family = PEER_UNIX }, "a local socket" },
};

#define PEERS (sizeof(peers) / sizeof(*peers))

Test(peer, by_family)
{
	char buf[PEER_NAME_SIZE];

	for (size_t i = 0; i < PEERS; i++) {
		const char *words = peer_name(buf, sizeof(buf), &peers[i].key);

		cr_assert_eq(words, buf);
		cr_assert_str_eq(words, peers[i].words);
	}
}

/* Cut, but a string, in memory of just that size. */
Test(peer, without_room)
{
	for (size_t i = 0; i < PEERS; i++) {
		for (size_t size = 1; size < PEER_NAME_SIZE; size++) {
			char *buf = malloc(size);

			peer_name(buf, size, &peers[i].key);
			cr_assert_lt(strlen(buf), size);
			cr_assert(!strncmp(buf, peers[i].words, size - 1), "%s", buf);
			free(buf);
		}
	}
}
