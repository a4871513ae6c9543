// SPDX-License-Identifier: BSD-2-Clause
#include "launch/environ.h"
#include "launch/sudo.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The four that name a user. */
static const char *const names[] = { "HOME=", "USER=", "LOGNAME=", "SHELL=" };

#define N_NAMES (sizeof(names) / sizeof(names[0]))

/* Takes over text: len bytes of strings, each with its NUL, and a NUL behind the last. */
static int split(struct launch_environ *env, char *text, size_t len)
{
	size_t max = 1;

	env->text = text;
	for (size_t i = 0; i <= len; i++)
		max += !text[i];
	env->vars = calloc(max, sizeof(*env->vars));
	if (!env->vars)
		return -ENOMEM;
	for (char *p = text; p < text + len; p += strlen(p) + 1) {
		if (strchr(p, '='))
			env->vars[env->n++] = p;
	}
	return 0;
}

static bool names_user(const char *var)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		if (!strncmp(var, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

/* own's strings one behind the other; those that name a user come from user, unless that is NULL. */
static int join(char **ret, size_t *ret_len, char *const *own, const struct launch_user *user)
{
	FILE *stream = open_memstream(ret, ret_len);
	bool bad = false;

	if (!stream)
		return -ENOMEM;
	for (; *own; own++) {
		if (!user || !names_user(*own))
			bad |= fprintf(stream, "%s%c", *own, '\0') < 0;
	}
	if (user) {
		const char *const values[N_NAMES] = { user->home, user->name, user->name,
						      user->shell };

		for (size_t i = 0; i < N_NAMES; i++)
			bad |= fprintf(stream, "%s%s%c", names[i], values[i], '\0') < 0;
	}
	if (fclose(stream) || bad) {
		free(*ret);
		return -ENOMEM;
	}
	return 0;
}

int launch_environ_build(struct launch_environ *ret, const struct launch_user *user,
			 char *const *own, struct err *err)
{
	struct launch_environ env = { .source = LAUNCH_ENVIRON_OWN };
	char *text = NULL;
	size_t len = 0;
	int r = -ENOENT;

	if (user->source == LAUNCH_USER_SUDO) {
		r = launch_sudo_environ(&text, &len, user->uid);
		env.source = r ? LAUNCH_ENVIRON_FALLBACK : LAUNCH_ENVIRON_BEFORE_SUDO;
	} else if (user->source == LAUNCH_USER_OPTION) {
		env.source = LAUNCH_ENVIRON_ADAPTED;
	}
	if (r)
		r = join(&text, &len, own, env.source == LAUNCH_ENVIRON_OWN ? NULL : user);
	if (!r)
		r = split(&env, text, len);
	if (r) {
		launch_environ_free(&env);
		return err_failed(err, r, "cannot make the command's environment");
	}
	*ret = env;
	return 0;
}

void launch_environ_free(struct launch_environ *env)
{
	free(env->vars);
	free(env->text);
	*env = (struct launch_environ){ 0 };
}
