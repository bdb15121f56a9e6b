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

    private static string[] CacheGenerations(KernelImages images) =>
        images.Attached("btrfs inspect-internal dump-tree -t root ${loops[0]} | sed -n 's/.*cache generation \\([0-9]*\\) .*/\\1/p'").Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
