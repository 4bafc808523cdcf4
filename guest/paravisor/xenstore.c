/* SPDX-License-Identifier: MIT */
/*
 * The xenstore that the guest talks to: the wire protocol of
 * <xen/io/xs_wire.h> over its ring, answered from a small tree that begins
 * with the keys `xl` writes, owned by whom they are on Xen. A Linux guest waits
 * for an answer before it runs /init, so this must be here.
 *
 * A transaction is a copy of the tree. Its end succeeds if the tree has not
 * changed since it began, and else says EAGAIN, as the protocol allows.
 */
#include "paravisor.h"

#include <xen/io/xs_wire.h>

#define NODES     160
#define PATH_LEN  128
#define VALUE_LEN 256
#define TREES     4 /* transactions at a time */
#define WATCHES   64
#define HOME      "/local/domain/1/"
#define VM        "/vm/70617261-626f-4f74-8000-000000000001" /* XENVER_guest_handle's, as a path */

/* Whose a node is. What is dom0's the guest may read at most; below what is its own it makes more of its own. */
enum owner { HIDDEN, DOM0, GUEST };

struct node {
	char path[PATH_LEN]; /* absolute, NUL-terminated */
	uint16_t len;
	uint8_t owner;
	char value[VALUE_LEN];
};

struct tree {
	uint32_t nr, id; /* id: the transaction's; 0: free */
	uint64_t generation;
	struct node node[NODES];
};

struct watch {
	char path[PATH_LEN], token[PATH_LEN]; /* as the guest gave them; empty: free */
};

static struct xenstore_domain_interface *ring;
static struct lock store_lock;
static struct tree *store, *transactions;
static uint32_t next_id = 1;
static struct watch watches[WATCHES];

/* ---- The tree ---- */

static bool same(const char *a, const char *b)
{
	size_t len = strlen(a);

	return len == strlen(b) && !memcmp(a, b, len);
}

/* Is path below dir, or dir itself? */
static bool below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1 && dir[0] == '/')
		return true;
	return strlen(path) >= len && !memcmp(path, dir, len) && (!path[len] || path[len] == '/');
}

static struct node *find(struct tree *t, const char *path)
{
	for (uint32_t i = 0; i < t->nr; i++)
		if (same(t->node[i].path, path))
			return &t->node[i];
	return NULL;
}

/* Of the path above; 0: path is the root, or one step below it. */
static size_t parent_len(const char *path)
{
	size_t cut = strlen(path);

	while (cut > 1 && path[cut - 1] != '/')
		cut--;
	return cut - (cut > 0);
}

/* The nearest node that is there, at path or above. What is above all of them is nobody's but dom0's. */
static enum owner owner_of(struct tree *t, const char *path)
{
	char at[PATH_LEN];
	struct node *n;

	format(at, sizeof(at), "%s", path);
	while (!(n = find(t, at))) {
		at[parent_len(at)] = 0;
		if (!at[0])
			return HIDDEN;
	}
	return n->owner;
}

/* With all its parents; NULL: the tree is full. */
static struct node *make(struct tree *t, const char *path, enum owner owner)
{
	struct node *n = find(t, path);
	size_t cut = parent_len(path);
	char parent[PATH_LEN];

	if (n)
		return n;
	if (cut) {
		memcpy(parent, path, cut);
		parent[cut] = 0;
		if (!make(t, parent, owner))
			return NULL;
	}
	if (t->nr == NODES)
		return NULL;
	n = &t->node[t->nr++];
	memcpy(n->path, path, strlen(path) + 1);
	n->len = 0;
	n->owner = owner;
	return n;
}

static int put(struct tree *t, const char *path, enum owner owner, const char *value, size_t len)
{
	struct node *n;

	if (len > VALUE_LEN)
		return XEN_E2BIG;
	n = make(t, path, owner);
	if (!n)
		return XEN_ENOSPC;
	memcpy(n->value, value, len);
	n->len = (uint16_t)len;
	t->generation++;
	return 0;
}

static void key_of(enum owner owner, const char *name, const char *value)
{
	char path[PATH_LEN];

	format(path, sizeof(path), name[0] == '/' ? "%s" : HOME "%s", name);
	put(store, path, owner, value, strlen(value));
}

static void key(const char *name, const char *value)
{
	key_of(DOM0, name, value);
}

static void key_number(const char *name, uint64_t value)
{
	char text[24];

	format(text, sizeof(text), "%lu", value);
	key(name, text);
}

/* What `xl` lets a guest write, empty at first. */
static const char *const guests_own[] = {
	"control/shutdown",
	"control/feature-poweroff",
	"control/feature-reboot",
	"control/feature-suspend",
	"control/sysrq",
	"device/suspend/event-channel",
	"data",
	"drivers",
	"feature",
	"attr",
	"error",
};

static void first_keys(void)
{
	char name[40];

	key_of(HIDDEN, "/local/domain", "");
	key_of(HIDDEN, "/vm", "");
	key("name", "paraboot");
	key_number("domid", 1);
	key("vm", VM);
	key(VM "/name", "paraboot");
	key(VM "/uuid", VM + sizeof("/vm/") - 1);
	key_number("memory/target", facts.nr_pages * 4);
	key_number("memory/static-max", facts.nr_pages * 4);
	key_number("memory/videoram", 0);
	key_number("store/port", PORT_XENSTORE);
	key_number("store/ring-ref", pfn_to_mfn(facts.xenstore_pfn));
	key("console/backend", "/local/domain/0/backend/console/1/0");
	key_of(GUEST, "console/backend-id", "0");
	key_number("console/port", PORT_CONSOLE);
	key_number("console/ring-ref", pfn_to_mfn(facts.console_pfn));
	key("console/type", "xenconsoled");
	key("console/output", "pty");
	key("console/tty", "/dev/ttyS0");
	key_number("console/limit", 1048576);
	key("control/platform-feature-multiprocessor-suspend", "1");
	key("control/platform-feature-xs_reset_watches", "1");
	key("device/suspend", "");
	for (unsigned i = 0; i < ARRAY(guests_own); i++)
		key_of(GUEST, guests_own[i], "");
	for (unsigned i = 0; i < nr_vcpus; i++) {
		format(name, sizeof(name), "cpu/%u/availability", i);
		key(name, "online");
	}
}

void xenstore_init(void *page)
{
	uint64_t pages = (sizeof(struct tree) + PAGE - 1) / PAGE;

	ring = page;
	store = boot_alloc(pages);
	transactions = boot_alloc((TREES * sizeof(struct tree) + PAGE - 1) / PAGE);
	first_keys();
}

/* ---- The ring: messages in, one at a time, and a queue of bytes out ---- */

#define IN_MAX  (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)
#define OUT_MAX 32768u
#define OUT_ONE 8192u /* room that must be there before a message is looked at */

static char in[IN_MAX + 1];
static uint32_t in_len;
static char out[OUT_MAX];
static uint32_t out_from, out_to; /* modulo OUT_MAX */

static void queue(const void *bytes, size_t len)
{
	const char *b = bytes;

	for (size_t i = 0; i < len; i++)
		out[out_to++ % OUT_MAX] = b[i];
}

static uint32_t out_room(void)
{
	return OUT_MAX - (out_to - out_from);
}

static void send(uint32_t type, const struct xsd_sockmsg *to, const void *bytes, size_t len)
{
	struct xsd_sockmsg head = { type, to ? to->req_id : 0, to ? to->tx_id : 0, (uint32_t)len };

	if (out_room() < sizeof(head) + len)
		return; /* only watch events can come to this */
	queue(&head, sizeof(head));
	queue(bytes, len);
}

static bool ring_out(void)
{
	XENSTORE_RING_IDX prod = ring->rsp_prod;
	bool moved = false;

	while (out_from != out_to && prod - ring->rsp_cons < XENSTORE_RING_SIZE) {
		ring->rsp[MASK_XENSTORE_IDX(prod)] = out[out_from++ % OUT_MAX];
		prod++;
		moved = true;
	}
	__atomic_store_n(&ring->rsp_prod, prod, __ATOMIC_RELEASE);
	return moved;
}

/* Take bytes of the message at hand; true: it is whole. */
static bool ring_in(bool *moved)
{
	XENSTORE_RING_IDX cons = ring->req_cons, prod = __atomic_load_n(&ring->req_prod, __ATOMIC_ACQUIRE);
	const struct xsd_sockmsg *m = (const struct xsd_sockmsg *)in;
	uint32_t want = sizeof(*m);

	if (prod - cons > XENSTORE_RING_SIZE)
		return false; /* nonsense */
	for (;;) {
		if (in_len >= sizeof(*m))
			want = (uint32_t)sizeof(*m) + (m->len <= XENSTORE_PAYLOAD_MAX ? m->len : 0);
		if (in_len == want && in_len >= sizeof(*m))
			break;
		if (cons == prod)
			break;
		in[in_len++] = ring->req[MASK_XENSTORE_IDX(cons)];
		cons++;
		*moved = true;
	}
	__atomic_store_n(&ring->req_cons, cons, __ATOMIC_RELEASE);
	return in_len >= sizeof(*m) && in_len == want;
}

/* ---- Watches ---- */

static void absolute(char *to, const char *path)
{
	format(to, PATH_LEN, path[0] == '/' || path[0] == '@' ? "%s" : HOME "%s", path);
}

static void event(const struct watch *w, const char *path)
{
	char buf[2 * PATH_LEN];
	bool relative = w->path[0] != '/' && w->path[0] != '@';
	size_t skip = relative && below(path, "/local/domain/1") && strlen(path) >= sizeof(HOME) ? sizeof(HOME) - 1 : 0,
	       len = strlen(path + skip) + 1, token = strlen(w->token) + 1;

	memcpy(buf, path + skip, len);
	memcpy(buf + len, w->token, token);
	send(XS_WATCH_EVENT, NULL, buf, len + token);
}

static void changed(const char *path)
{
	char at[PATH_LEN];

	for (unsigned i = 0; i < WATCHES; i++) {
		if (!watches[i].path[0])
			continue;
		absolute(at, watches[i].path);
		if (below(path, at))
			event(&watches[i], path);
	}
}

/* ---- Requests ---- */

struct request {
	struct xsd_sockmsg head;
	char *body;
	struct tree *tree;   /* the transaction's, or the store */
	char path[PATH_LEN]; /* of the first string, absolute */
	const char *rest;    /* what follows that string's NUL */
	size_t rest_len;
};

static void reply(const struct request *r, const void *bytes, size_t len)
{
	send(r->head.type, &r->head, bytes, len);
}

static int ok(const struct request *r)
{
	reply(r, "OK", 3);
	return 0;
}

/* What is not there is not told from what is hidden, below what is hidden. */
static int readable(const struct request *r, struct node **ret)
{
	if (owner_of(r->tree, r->path) == HIDDEN)
		return XEN_EACCES;
	*ret = find(r->tree, r->path);
	return *ret ? 0 : XEN_ENOENT;
}

static int do_read(struct request *r)
{
	struct node *n;
	int rc = readable(r, &n);

	if (rc)
		return rc;
	reply(r, n->value, n->len);
	return 0;
}

static int do_directory(struct request *r)
{
	static char names[XENSTORE_PAYLOAD_MAX];
	size_t len = 0, dir = strlen(r->path);
	struct node *at;
	int rc = readable(r, &at);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < r->tree->nr; i++) {
		const char *p = r->tree->node[i].path;
		size_t n;

		if (!below(p, r->path) || strlen(p) <= dir + 1)
			continue;
		p += dir + 1;
		for (n = 0; p[n] && p[n] != '/'; n++)
			;
		if (p[n] || len + n + 1 > sizeof(names))
			continue;
		memcpy(names + len, p, n + 1);
		len += n + 1;
	}
	reply(r, names, len);
	return 0;
}

/* Its own, and what it makes below its own. */
static bool may_write(const struct request *r)
{
	return owner_of(r->tree, r->path) == GUEST;
}

static int do_write(struct request *r)
{
	int rc;

	if (!may_write(r))
		return XEN_EACCES;
	rc = put(r->tree, r->path, GUEST, r->rest, r->rest_len);
	if (rc)
		return rc;
	if (r->tree == store)
		changed(r->path);
	return ok(r);
}

static int do_mkdir(struct request *r)
{
	if (!may_write(r))
		return XEN_EACCES;
	if (!find(r->tree, r->path)) {
		if (!make(r->tree, r->path, GUEST))
			return XEN_ENOSPC;
		r->tree->generation++;
		if (r->tree == store)
			changed(r->path);
	}
	return ok(r);
}

static int do_rm(struct request *r)
{
	struct tree *t = r->tree;
	uint32_t kept = 0;

	if (!may_write(r))
		return XEN_EACCES;
	if (!find(t, r->path))
		return XEN_ENOENT;
	for (uint32_t i = 0; i < t->nr; i++) {
		if (below(t->node[i].path, r->path))
			continue;
		if (kept != i)
			t->node[kept] = t->node[i];
		kept++;
	}
	t->nr = kept;
	t->generation++;
	if (t == store)
		changed(r->path);
	return ok(r);
}

static int do_get_perms(struct request *r)
{
	struct node *n;
	int rc = readable(r, &n);

	if (rc)
		return rc;
	if (n->owner == GUEST)
		reply(r, "n1", 3);
	else
		reply(r, "n0\0r1", 6);
	return 0;
}

static int do_set_perms(struct request *r)
{
	if (!may_write(r))
		return XEN_EACCES;
	return find(r->tree, r->path) ? ok(r) : XEN_ENOENT;
}

static int do_domain_path(struct request *r)
{
	char path[PATH_LEN];
	int len = format(path, sizeof(path), "/local/domain/%s", r->body);

	if (len >= PATH_LEN)
		return XEN_EINVAL;
	reply(r, path, (size_t)len + 1);
	return 0;
}

static int do_introduced(struct request *r)
{
	reply(r, same(r->body, "1") || same(r->body, "0") ? "T" : "F", 2);
	return 0;
}

static struct watch *find_watch(const char *path, const char *token)
{
	for (unsigned i = 0; i < WATCHES; i++)
		if (watches[i].path[0] && same(watches[i].path, path) && same(watches[i].token, token))
			return &watches[i];
	return NULL;
}

static int do_watch(struct request *r)
{
	struct watch *w = NULL;

	if (!r->rest_len || !r->body[0] || strlen(r->body) >= PATH_LEN || strlen(r->rest) >= PATH_LEN)
		return XEN_EINVAL;
	if (find_watch(r->body, r->rest))
		return XEN_EEXIST;
	for (unsigned i = 0; i < WATCHES && !w; i++)
		if (!watches[i].path[0])
			w = &watches[i];
	if (!w)
		return XEN_E2BIG;
	format(w->path, sizeof(w->path), "%s", r->body);
	format(w->token, sizeof(w->token), "%s", r->rest);
	ok(r);
	event(w, r->path); /* a new watch fires at once */
	return 0;
}

static int do_unwatch(struct request *r)
{
	struct watch *w = r->rest_len ? find_watch(r->body, r->rest) : NULL;

	if (!w)
		return XEN_ENOENT;
	w->path[0] = 0;
	return ok(r);
}

static int do_reset_watches(struct request *r)
{
	memset(watches, 0, sizeof(watches));
	return ok(r);
}

static struct tree *transaction(uint32_t id)
{
	for (unsigned i = 0; i < TREES; i++)
		if (id && transactions[i].id == id)
			return &transactions[i];
	return NULL;
}

static void copy_tree(struct tree *to, const struct tree *from)
{
	to->nr = from->nr;
	to->generation = from->generation;
	memcpy(to->node, from->node, from->nr * sizeof(from->node[0]));
}

static uint64_t begun_at[TREES]; /* the store's generation then */

static int do_begin(struct request *r)
{
	for (unsigned i = 0; i < TREES; i++) {
		struct tree *t = &transactions[i];
		char text[16];
		int len;

		if (t->id)
			continue;
		copy_tree(t, store);
		begun_at[i] = store->generation;
		t->id = next_id++;
		if (!next_id)
			next_id = 1;
		len = format(text, sizeof(text), "%u", t->id);
		reply(r, text, (size_t)len + 1);
		return 0;
	}
	return XEN_ENOSPC;
}

/* Tell the watches of what differs; deleted nodes first, then new and changed ones. */
static void changed_between(struct tree *old, struct tree *new)
{
	for (uint32_t i = 0; i < old->nr; i++)
		if (!find(new, old->node[i].path))
			changed(old->node[i].path);
	for (uint32_t i = 0; i < new->nr; i++) {
		struct node *n = &new->node[i], *o = find(old, n->path);

		if (!o || o->len != n->len || memcmp(o->value, n->value, n->len))
			changed(n->path);
	}
}

static int do_end(struct request *r)
{
	struct tree *t = transaction(r->head.tx_id);
	uint64_t begun;

	if (!t)
		return XEN_ENOENT;
	begun = begun_at[t - transactions];
	t->id = 0;
	if (r->body[0] != 'T' || t->generation == begun)
		return ok(r);
	if (store->generation != begun)
		return XEN_EAGAIN;
	ok(r);
	changed_between(store, t);
	copy_tree(store, t);
	return 0;
}

enum { NO_PATH, HAS_PATH };
static const struct {
	int (*fn)(struct request *r);
	bool path; /* its first string is one */
} requests[XS_TYPE_COUNT] = {
	[XS_DIRECTORY] = { do_directory, HAS_PATH },
	[XS_READ] = { do_read, HAS_PATH },
	[XS_GET_PERMS] = { do_get_perms, HAS_PATH },
	[XS_WATCH] = { do_watch, HAS_PATH },
	[XS_UNWATCH] = { do_unwatch, HAS_PATH },
	[XS_TRANSACTION_START] = { do_begin, NO_PATH },
	[XS_TRANSACTION_END] = { do_end, NO_PATH },
	[XS_GET_DOMAIN_PATH] = { do_domain_path, NO_PATH },
	[XS_WRITE] = { do_write, HAS_PATH },
	[XS_MKDIR] = { do_mkdir, HAS_PATH },
	[XS_RM] = { do_rm, HAS_PATH },
	[XS_SET_PERMS] = { do_set_perms, HAS_PATH },
	[XS_IS_DOMAIN_INTRODUCED] = { do_introduced, NO_PATH },
	[XS_RESET_WATCHES] = { do_reset_watches, NO_PATH },
};

static const struct {
	int code;
	const char *name;
} errors[] = {
	{ XEN_EINVAL, "EINVAL" }, { XEN_EACCES, "EACCES" }, { XEN_EEXIST, "EEXIST" }, { XEN_ENOENT, "ENOENT" },
	{ XEN_ENOSPC, "ENOSPC" }, { XEN_ENOSYS, "ENOSYS" }, { XEN_EAGAIN, "EAGAIN" }, { XEN_E2BIG, "E2BIG" },
};

static void fail(const struct request *r, int code)
{
	for (unsigned i = 0; i < ARRAY(errors); i++)
		if (errors[i].code == code)
			send(XS_ERROR, &r->head, errors[i].name, strlen(errors[i].name) + 1);
}

/* The body ends with a NUL of ours, so its strings do too. */
static int serve(struct request *r)
{
	size_t first;

	if (r->head.type >= XS_TYPE_COUNT || !requests[r->head.type].fn)
		return XEN_ENOSYS;
	if (r->head.len > XENSTORE_PAYLOAD_MAX)
		return XEN_E2BIG;
	r->tree = transaction(r->head.tx_id);
	if (!r->head.tx_id)
		r->tree = store;
	if (!r->tree)
		return XEN_ENOENT;
	first = strlen(r->body);
	if (requests[r->head.type].path) {
		if (!first || first >= PATH_LEN - sizeof(HOME))
			return XEN_EINVAL;
		absolute(r->path, r->body);
		first = first < r->head.len ? first + 1 : r->head.len;
		r->rest = r->body + first;
		r->rest_len = r->head.len - first;
	}
	return requests[r->head.type].fn(r);
}

static void answer(void)
{
	struct request r;
	int rc;

	memset(&r, 0, sizeof(r));
	memcpy(&r.head, in, sizeof(r.head));
	in[in_len] = 0;
	r.body = in + sizeof(r.head);
	in_len = 0;
	rc = serve(&r);
	if (rc)
		fail(&r, rc);
}

void xenstore_kick(void)
{
	bool moved = false;

	lock(&store_lock);
	moved = ring_out();
	while (out_room() >= OUT_ONE && ring_in(&moved)) {
		answer();
		moved |= ring_out();
	}
	unlock(&store_lock);
	if (moved)
		event_raise(PORT_XENSTORE);
}
