// SPDX-License-Identifier: BSD-2-Clause
#include "launch/search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *launch_search_getenv(char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; *envp; envp++) {
		if (!strncmp(*envp, name, n) && (*envp)[n] == '=')
			return *envp + n + 1;
	}
	return NULL;
}

static int default_path(char **ret)
{
	size_t n = confstr(_CS_PATH, NULL, 0);

	*ret = n ? malloc(n) : strdup("/bin:/usr/bin");
	if (!*ret)
		return -ENOMEM;
	if (n && confstr(_CS_PATH, *ret, n) != n) {
		free(*ret);
		return -EINVAL;
	}
	return 0;
}

static int split(char **paths, size_t *ret_n, const char *path, const char *command)
{
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(path, ":");
		/* execvp(3) runs "x", not "./x"; a script would see the difference in its $0 */
		const char *slash = len ? "/" : "";

		if (asprintf(&paths[n], "%.*s%s%s", (int)len, path, slash, command) < 0) {
			paths[n] = NULL;
			return -ENOMEM;
		}
		n++;
		if (!path[len])
			break;
		path += len + 1;
	}
	*ret_n = n;
	return 0;
}

int launch_search(char ***ret, size_t *ret_n, const char *command, char *const *envp)
{
	const char *path = launch_search_getenv(envp, "PATH");
	char *fallback = NULL, **paths = NULL;
	size_t max = 2;
	int r;

	/* a name that is empty or a path is tried as it is: PATH without a colon is one element */
	if (!*command || strchr(command, '/')) {
		path = "";
	} else if (!path) {
		r = default_path(&fallback);
		if (r)
			return r;
		path = fallback;
	}
	for (const char *p = path; *p; p++)
		max += *p == ':';
	paths = calloc(max, sizeof(*paths));
	r = paths ? split(paths, ret_n, path, command) : -ENOMEM;
	free(fallback);
	if (r) {
		launch_search_free(paths);
		return r;
	}
	*ret = paths;
	return 0;
}

void launch_search_free(char **paths)
{
	for (char **p = paths; p && *p; p++)
		free(*p);
	free(paths);
}

bool launch_search_continues(int error)
{
	switch (error) {
	case EACCES:
	case ENOENT:
	case ENOTDIR:
	case ESTALE:
	case ENODEV:
	case ETIMEDOUT:
	case ENAMETOOLONG:
		return true;
	default:
		return false;
	}
}
