using Btrfs.Engine;
using Btrfs.LoopTests.Check;
using Btrfs.LoopTests.Storage;

namespace Btrfs.LoopTests.Writing;

/// <summary>The free-space caches of version 1, which Linux keeps in files and believes.</summary>
[TestFixture]
internal sealed class SpaceCacheTests
{
    // A commit of Linux calls all caches current, also those of groups that it has not touched: what the engine made untrue must be denied one by one.
    [Test]
    public void Caches_that_the_engine_may_have_made_untrue_are_denied_by_their_headers()
    {
        using KernelImages images = KernelImages.Make("-R ^free-space-tree", sizeMegabytes: 1024);

        // Groups of less than 100 MiB get none.
        images.Mounted("space_cache=v1", "for size in 40 4 4 1; do head -c ${size}000000 /dev/urandom > mnt/of-$size; sync -f mnt; done");
        Assert.That(CacheGenerations(images), Has.Some.Not.EqualTo("0"));
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open(images.Images, new BtrfsOpenOptions { Writable = true }))
        {
            fs.CreateFile("ours");
            fs.WriteFile("ours", 0, new byte[30_000_000]);
            fs.Commit();
        }

        Assert.That(CacheGenerations(images), Is.All.EqualTo("0"));
        Assert.That(BtrfsCheck.Theirs(images.Images), Is.Null);
        images.Mounted("space_cache=v1", "cmp mnt/ours <(head -c 30000000 /dev/zero); mkdir mnt/directory");
        Assert.That(BtrfsCheck.Theirs(images.Images), Is.Null);
        images.Mounted("space_cache=v1", "head -c 100000 /dev/urandom > mnt/theirs");
        Assert.That(BtrfsCheck.Theirs(images.Images), Is.Null);
    }

    // Linux deletes the cache of a block group with it; what stayed would be a file that nobody finds again.
    [Test]
    public void The_cache_of_a_block_group_goes_with_it()
    {
        using KernelImages images = KernelImages.Make("-R ^free-space-tree -m single", sizeMegabytes: 2048);
        images.Mounted("space_cache=v1", "for i in 1 2 3 4; do head -c 150000000 /dev/zero > mnt/part$i; sync -f mnt; echo > mnt/small$i; sync -f mnt; done");
        string[] before = Cached(images);
        string files = CacheFiles(images);
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open(images.Images, new BtrfsOpenOptions { Writable = true }))
        {
            for (int i = 1; i <= 4; i++)
                fs.Delete($"part{i}");
            fs.Commit();
            fs.Commit();
        }

        Assert.That(Cached(images), Has.Length.LessThan(before.Length).And.SubsetOf(before));
        Assert.That(CacheFiles(images), Is.Not.EqualTo(files));
        Assert.That(CacheFiles(images).Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(Cached(images).Length));
        Assert.That(BtrfsCheck.Theirs(images.Images), Is.Null);
        Assert.That(BtrfsCheck.Ours([.. images.Images]).Findings, Is.Empty);
        images.Mounted("space_cache=v1", "for i in 1 2 3 4; do head -c 150000000 /dev/zero > mnt/part$i; sync -f mnt; done");
        Assert.That(BtrfsCheck.Theirs(images.Images), Is.Null);
    }

    /// <summary>The begins of the block groups that have a cache.</summary>
    private static string[] Cached(KernelImages images) =>
        images.Attached("btrfs inspect-internal dump-tree -t root ${loops[0]} | sed -n 's/.*key (FREE_SPACE UNTYPED \\([0-9]*\\)).*/\\1/p'").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The inodes of the caches, a line each.</summary>
    private static string CacheFiles(KernelImages images) =>
        images.Attached("btrfs inspect-internal dump-tree -t root ${loops[0]} | sed -n 's/.*key (\\([0-9]*\\) INODE_ITEM 0).* itemsize.*/\\1/p' | grep -vx 6 || true");

    private static string[] CacheGenerations(KernelImages images) =>
        images.Attached("btrfs inspect-internal dump-tree -t root ${loops[0]} | sed -n 's/.*cache generation \\([0-9]*\\) .*/\\1/p'").Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
