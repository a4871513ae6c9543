// SPDX-License-Identifier: BSD-2-Clause
#include "event/event.h"

#include <arpa/inet.h>
#include <stdio.h>

char *peer_name(char *buf, size_t size, const struct peer_key *key)
{
	char address[INET6_ADDRSTRLEN] = "";

	if (key->family == PEER_UNIX) {
		snprintf(buf, size, "a local socket");
	} else if (key->family == PEER_INET) {
		inet_ntop(AF_INET, key->address, address, sizeof(address));
		snprintf(buf, size, "%s:%u", address, key->port);
	} else {
		inet_ntop(AF_INET6, key->address, address, sizeof(address));
		snprintf(buf, size, "[%s]:%u", address, key->port);
	}
	return buf;
}
