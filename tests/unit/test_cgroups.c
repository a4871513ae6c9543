// SPDX-License-Identifier: BSD-2-Clause
/* What was attached to, summed by cgroup. */
#include "findings.h"

TestSuite(cgroups, .init = setup, .fini = teardown);

/* A process of one thread, which ran for so long, in this cgroup. */
static void put_process(__u64 id, __u64 cgroup, __u64 running_ns)
{
	struct ev_thread t = thread(id, id > 1, 0, 0, SECOND);

	t.cgroup = cgroup;
	t.ledger.state_ns[TS_RUNNING] = running_ns;
	put_thread(t);
}

static void put_name(__u64 id, const char *path)
{
	struct ev_cgroup c = cgroup(id, path);

	put(&c);
}

Test(cgroups, sums)
{
	put_name(9, "/b");
	put_name(5, "/a");
	put_process(1, 5, 100 * MS);
	put_process(2, 9, 300 * MS);
	put_process(3, 5, 50 * MS);
	analyse(wall(SECOND));
	cr_assert_eq(f->n_cgroups, 2);
	cr_assert_str_eq(f->cgroups[0].path, "/b");
	cr_assert_str_eq(f->cgroups[1].path, "/a");
	cr_assert_eq(f->cgroups[1].processes, 2);
	cr_assert_eq(f->cgroups[1].threads, 2);
	cr_assert_eq(f->cgroups[1].running_ns, 150 * MS);
	cr_assert_eq(f->cgroups[1].lifetime_ns, 2 * SECOND);
}

/* A cgroup that has gone has no name, and its processes count all the same. */
Test(cgroups, without_a_name)
{
	put_name(5, "/a");
	put_process(1, 5, 100 * MS);
	put_process(2, 6, 300 * MS);
	analyse(wall(SECOND));
	cr_assert_eq(f->n_cgroups, 2);
	cr_assert_null(f->cgroups[0].path);
	cr_assert_eq(f->cgroups[0].processes, 1);
}

/* Of a run nothing is said of them. */
Test(cgroups, of_a_run)
{
	put_process(1, 5, 100 * MS);
	analyse(wall(SECOND));
	cr_assert_eq(f->n_cgroups, 0);
}
