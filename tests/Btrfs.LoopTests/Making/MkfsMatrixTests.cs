using Btrfs.LoopTests.Reading;
using Btrfs.LoopTests.Storage;

namespace Btrfs.LoopTests.Making;

/// <summary>What our mkfs makes, judged by btrfs-progs, the running kernel, and our own reader.</summary>
public sealed class MkfsMatrixTests
{
    // Writes, snapshots, and deletes again; a scrub reads every copy of every block.
    private const string Use =
        """
        mkdir mnt/tree
        for i in $(seq 200); do echo "file $i" > "mnt/tree/$i"; done
        head -c 3000000 /dev/urandom > mnt/data
        btrfs -q subvolume snapshot mnt mnt/snapshot
        rm mnt/tree/1*
        sync -f mnt
        btrfs scrub start -B mnt | grep -q 'no errors found'
        """;

    private const string Check = "btrfs device scan \"${loops[@]}\" > /dev/null; btrfs check \"${loops[0]}\" 2>&1";

    private static readonly string[] s_profiles = ["single", "raid0", "raid1", "raid1c3", "raid1c4", "raid10", "raid5", "raid6"];

    private static IEnumerable<TestCaseData> OnOneDevice()
    {
        string[] lists =
        [
            "", "-n 4K", "-n 8K", "-n 32K", "-n 64K", "--csum xxhash", "--csum sha256", "--csum blake2", "-m single", "-d dup", "-m raid0 -d raid0",
            "-O ^no-holes", "-R ^free-space-tree", "-O ^extref", "-O ^skinny-metadata", "-O ^no-holes,^skinny-metadata,^extref,^free-space-tree",
            "-O raid56,raid1c34", "-O quota", "-R quota -O ^skinny-metadata -n 4K", "-M", "-M -d dup -m dup", "-M --csum sha256 -O ^free-space-tree", "-L label",
        ];
        return lists.Select(options => new TestCaseData(options, 1, 600).SetArgDisplayNames(options));
    }

    private static IEnumerable<TestCaseData> OnSeveralDevices()
    {
        foreach (int devices in (int[])[2, 3, 4, 5])
        {
            foreach (string profile in s_profiles)
            {
                int least = profile switch { "raid1c3" or "raid6" => 3, "raid1c4" => 4, _ => 2 };
                if (devices >= least)
                    yield return Case($"-d {profile} -m {profile}", devices);
            }
        }

        yield return Case("", 3);
        yield return Case("-d raid5 -m raid1c3 -n 64K --csum blake2", 4);
        yield return Case("-M -d raid1 -m raid1", 2);
        yield return Case("-O quota,^free-space-tree -n 4K", 2);

        static TestCaseData Case(string options, int devices) => new TestCaseData(options, devices, 400).SetArgDisplayNames($"{devices} devices {options}");
    }

    [TestCaseSource(nameof(OnOneDevice))]
    [TestCaseSource(nameof(OnSeveralDevices))]
    [TestCase("", 1, 109)]
    [TestCase("", 1, 70_000)]
    [TestCase("-m single", 1, 45)]
    [TestCase("-M", 1, 16)]
    [TestCase("", 1, 1 << 20)]
    public void Check_and_the_kernel_find_nothing_wrong(string options, int devices, int megabytes)
    {
        using KernelImages images = Make(options, devices, megabytes);
        images.Attached(Check);
        images.Mounted("defaults", megabytes == 16 ? Use.Replace("3000000", "300000", StringComparison.Ordinal) : Use);
        images.Attached(Check);
        AssertReads(images);
    }

    // btrfs-progs 6.2 don't know these, so the kernel alone judges.
    [TestCase("-O squota", 1)]
    [TestCase("-O squota -n 4K", 2)]
    [TestCase("-O block-group-tree", 1)]
    [TestCase("-O block-group-tree,quota -n 4K", 2)]
    [TestCase("-O block-group-tree,squota -d raid5 -m raid1c3", 3)]
    public void The_kernel_takes_what_only_it_knows(string options, int devices)
    {
        using KernelImages images = Make(options, devices, 600);
        images.Mounted("defaults", Use);
        images.Mounted("defaults", "cat mnt/tree/* > /dev/null; test -d mnt/snapshot/tree; echo more > mnt/more");
        AssertReads(images);
    }

    [Test]
    public void Simple_quotas_go_on_where_mkfs_began()
    {
        using KernelImages images = Make("-O squota", 1, 600);
        string show = "btrfs qgroup show --raw mnt | awk '$1 == \"0/5\" {print $2, $3}'";
        string seen = images.Mounted("defaults", $"{show}; head -c 1048576 /dev/urandom > mnt/data; sync -f mnt; {show}; rm mnt/data; sync -f mnt; {show}");
        Assert.That(seen.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(new[] { "16384 16384", "1064960 1064960", "16384 16384" }));
    }

    private static KernelImages Make(string options, int devices, long megabytes)
    {
        KernelImages images = KernelImages.Prepare(devices, megabytes);
        try
        {
            (int code, string errors) = EngineCommand.Run(["mkfs", "-q", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), .. images.Images]);
            Assert.That(code, Is.Zero, errors);
            AssertReads(images);
            return images;
        }
        catch
        {
            images.Dispose();
            throw;
        }
    }

    private static void AssertReads(KernelImages images)
    {
        using OpenedImages opened = new(images.Images);
        foreach (ulong tree in opened.Trees)
            Assert.That(opened.Walk(tree).Count(), Is.GreaterThanOrEqualTo(0), $"tree {tree}");
        Assert.That(opened.Set.Notices, Is.Empty);
        Assert.That(opened.Reader.Repaired, Is.Zero);
    }
}
