using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;

namespace Btrfs.LoopTests;

/// <summary>
/// Random states, and every stream of them held against the kernel's. BTRFS_FIDELITY_SEEDS=START:COUNT chooses other seeds
/// than the default ones, BTRFS_FIDELITY_AGAINST another candidate, BTRFS_KEEP a directory that keeps what differs.
/// </summary>
[TestFixture]
internal sealed class FidelityTests
{
    private const string DefaultSeeds = "1:12";

    // A default run that misses one of these has grown blind; the counts are far above what is asked in practice.
    private static readonly string[] s_mustBeReached =
    [
        "clones from another subvolume",
        "clones from the same subvolume",
        "clones of an unaligned length",
        "clones within a file",
        "command fallocate",
        "command fileattr",
        "command link",
        "command mkfifo",
        "command mksock",
        "command remove_xattr",
        "command symlink",
        "command truncate",
        "command update_extent",
        "commands below an orphan directory",
        "encoded writes from the middle of an extent",
        "encoded writes of inline extents",
        "encoded writes: compression 1",
        "encoded writes: compression 2",
        "encoded writes: compression 3",
        "files linked over 200 times in a stream",
        "mknod of a block device",
        "mknod of a character device",
        "paths over 1000 bytes",
        "paths over 20 levels deep",
        "paths that are not UTF-8",
        "renames: an existing inode becomes an orphan",
        "renames: of a kept name",
        "renames: out of an orphan name",
        "rmdir of an orphan",
        "state: branched",
        "state: inode number reused",
        "state: remounted",
        "state: snapshot while nameless files are open",
        "truncates to an unaligned size",
        "unlink of an orphan",
        "writes of nothing but zeros",
        "xattrs over 3000 bytes",
        "xattrs: btrfs.compression",
        "xattrs: security.capability",
        "xattrs: system.posix_acl_access",
        "xattrs: system.posix_acl_default",
        "xattrs: trusted",
        "xattrs: user",
    ];

    public static IEnumerable<ulong> Seeds() => SeedRange.Parse(Environment.GetEnvironmentVariable("BTRFS_FIDELITY_SEEDS") ?? DefaultSeeds);

    [TestCaseSource(nameof(Seeds))]
    public void Every_stream_of_a_random_state_equals_the_kernels(ulong seed)
    {
        string candidate = Environment.GetEnvironmentVariable("BTRFS_FIDELITY_AGAINST") ?? Candidates.Default;
        Func<ISendUnderTest> create = Candidates.Find(candidate) ?? throw new ArgumentException($"there is no candidate '{candidate}'");

        SeedRun run = SeedRun.Run(seed, create, Environment.GetEnvironmentVariable("BTRFS_KEEP"));

        TestContext.Out.WriteLine($"seed {seed}: {run.Verdicts.Count} streams, {run.Options}");
        Assert.That(run.Verdicts, Is.Not.Empty);
        Assert.That(run.Differences, Is.Empty, run.Report());
    }

    [Test]
    public void The_default_seeds_reach_what_send_got_wrong_in_its_history()
    {
        Coverage coverage = new();
        foreach (ulong seed in SeedRange.Parse(DefaultSeeds))
        {
            using TestDirectory work = new();
            using RandomState state = RandomState.Create(seed, work.Path);
            foreach (Recording recording in Recording.Collect(state.TopLevel, RequestPlan.Make(seed, state.Snapshots), work.Path))
                coverage.Add(recording);
            coverage.Add(state.Coverage);
        }

        TestContext.Out.WriteLine(coverage);
        Assert.That(s_mustBeReached.Where(what => coverage[what] == 0), Is.Empty);
    }
}
