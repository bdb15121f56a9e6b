using System.Text;
using Btrfs.Cli.Commands.Inspect;
using Btrfs.Fidelity.Kernel;
using Btrfs.Format;
using Btrfs.LoopTests.Storage;

namespace Btrfs.LoopTests.Inspect;

/// <summary>Dumps of states that a file system passes through: work in progress, as a crash would leave it, and what remains of it.</summary>
public sealed class KernelStateTests
{
    // Copies that are taken while the kernel writes may be torn, so several are; the superblock comes first, and what its trees
    // were made of is not overwritten before the next commit is over.
    private const int Copies = 10;
    private const int MostCompared = 2;
    private const int Attempts = 5;

    [OneTimeSetUp]
    public void NeedsTheOracle() => Oracle.Require();

    [Test]
    public void A_subvolume_that_is_half_deleted_is_printed_alike() =>
        AssertCaught(
            "a drop in progress",
            line => line.Contains("drop_progress key (", StringComparison.Ordinal) && !line.EndsWith("(0 UNKNOWN.0 0) drop_level 0", StringComparison.Ordinal),
            $"""
            btrfs -q subvolume create mnt/volume
            seq 30000 | (cd mnt/volume; split -l 1 -a 4)
            sync -f mnt
            btrfs -q subvolume delete mnt/volume
            for i in $(seq {Copies}); do btrfs filesystem sync mnt; btrfs filesystem sync mnt; cp --sparse=always disk1.img copy$i.img; done
            """);

    [Test]
    public void A_balance_with_its_relocation_trees_is_printed_alike() =>
        AssertCaught(
            "a relocation tree",
            line => line.Contains("key (TREE_RELOC ROOT_ITEM ", StringComparison.Ordinal),
            $$"""
            btrfs -q subvolume create mnt/volume
            for i in $(seq 3000); do head -c $((i % 40 * 500)) mnt/data > mnt/volume/$i; done
            btrfs -q subvolume snapshot mnt/volume mnt/snapshot
            sync -f mnt
            (until [ -e enough ]; do btrfs balance start --full-balance mnt; done) > /dev/null 2>&1 &
            for i in $(seq {{Copies}}); do sync -f mnt; cp --sparse=always disk1.img copy$i.img; done
            touch enough
            btrfs balance cancel mnt 2> /dev/null || true
            wait
            """);

    [Test]
    public void Free_space_in_bitmaps_is_printed_alike()
    {
        using KernelImages images = KernelImages.Make("-d single");
        images.Mounted(
            "noatime",
            """
            for i in $(seq 1000); do head -c 4096 mnt/data > mnt/part$i; done
            sync -f mnt
            rm mnt/part*[13579]
            sync -f mnt
            """);
        Dump.AssertMentions(Dump.AssertEqual(images.Images), "free space bitmap", "flags 1\n");
    }

    [Test]
    public void A_changed_metadata_uuid_is_printed_alike()
    {
        using KernelImages images = KernelImages.Make("");
        images.Run("btrfstune -m disk1.img");
        Assert.That(Encoding.Latin1.GetString(Dump.Super(images.Images, new())), Does.Contain("METADATA_UUID"));
        Dump.AssertEqual(images.Images);
    }

    [Test]
    public void A_replaced_device_is_printed_alike()
    {
        using KernelImages images = KernelImages.Make("-d raid1 -m raid1", devices: 3);
        images.Mounted(
            "noatime",
            """
            btrfs device remove ${loops[2]} mnt
            btrfs replace start -B -f ${loops[1]} ${loops[2]} mnt > /dev/null
            """);
        Dump.AssertMentions(Dump.AssertEqual(images.Images[0], images.Images[2]), "DEV_REPLACE");
    }

    [Test]
    public void A_file_system_that_grew_on_a_seed_is_printed_alike()
    {
        using KernelImages seed = KernelImages.Make("");
        seed.Run(
            """
            btrfstune -S 1 disk1.img
            truncate -s 320M disk2.img
            mkdir -p mnt
            loops=($(losetup -f --show disk1.img) $(losetup -f --show disk2.img))
            trap 'umount mnt; btrfs device scan --forget ${loops[@]}; losetup -d ${loops[@]}' EXIT
            mount -o ro ${loops[0]} mnt
            btrfs device add -f ${loops[1]} mnt > /dev/null
            mount -o remount,rw mnt
            seq 3000 > mnt/grown
            """);
        string grown = Path.Combine(seed.Directory, "disk2.img");
        Dump.AssertMentions(Dump.AssertEqual(grown, seed.Images[0]), "devid 2 ");
        Assert.That(Encoding.Latin1.GetString(Dump.Super(seed.Images, new())), Does.Contain("SEEDING"));
        Dump.AssertEqual(seed.Images);
    }

    /// <summary>btrfs-progs 6.2 refuses to open it: what is new in it is printed as later versions do.</summary>
    [Test]
    public void Simple_quotas_are_printed_in_full()
    {
        using KernelImages images = KernelImages.Make("");
        string mountPoint = Directory.CreateDirectory(Path.Combine(images.Directory, "quota")).FullName;
        using (BtrfsMount mount = BtrfsMount.Open(images.Images, mountPoint, visible: true))
        {
            KernelException.Check(BtrfsIoctl.EnableQuota(mount.Root, simple: true), "enable simple quotas");
            File.WriteAllBytes(Path.Combine(mountPoint, "more"), new byte[100000]);
        }

        string text = Encoding.Latin1.GetString(Dump.Tree(images.Images).Text);
        Dump.AssertMentions(text, "flags ON|SIMPLE_MODE", " enable_gen ", "extent owner root 5\n", "QGROUP_INFO 0/5");
    }

    /// <summary>Lets a script take copies until some show the state, and compares these. Skips the test where it takes too long.</summary>
    private static void AssertCaught(string state, Predicate<string> shows, string script)
    {
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            using KernelImages images = KernelImages.Make("-n 4096", sizeMegabytes: 400);
            images.Mounted("noatime", script);
            if (CompareCopies(images, shows) > 0)
                return;
        }

        Assert.Ignore($"none of {Attempts * Copies} copies caught {state}");
    }

    /// <summary>Compares the copies that are whole and whose root tree shows the state, and returns how many.</summary>
    private static int CompareCopies(KernelImages images, Predicate<string> shows)
    {
        int compared = 0;
        foreach (string copy in Directory.GetFiles(images.Directory, "copy*.img"))
        {
            (byte[] roots, IReadOnlyList<string> faults) = Dump.Tree([copy], new TreeDumpOptions { Tree = ObjectIds.RootTree }, mayFail: true);
            if (faults.Count > 0 || !Encoding.Latin1.GetString(roots).Split('\n').Any(line => shows(line)))
                continue;
            if (Dump.Tree([copy], mayFail: true).Told.Count > 0)
                continue;

            Dump.AssertEqual(copy);
            if (++compared == MostCompared)
                break;
        }

        return compared;
    }
}
