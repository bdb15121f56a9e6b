using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Fidelity.Kernel;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Reading;

/// <summary>Whole file systems, read by this engine as the kernel showed them: names, order, attributes, content.</summary>
[TestFixture]
internal sealed class ReadingTests
{
    [TestCase("")]
    [TestCase("-n 4096 --csum xxhash")]
    [TestCase("-n 65536 --csum sha256 -m single")]
    [TestCase("-n 8192 --csum blake2 -O ^no-holes")]
    [TestCase("-n 32768 -O ^extref,^skinny-metadata,^no-holes -R ^free-space-tree")]
    [TestCase("--mixed -n 4096 -m dup -d dup")]
    [TestCase("-R quota -L label")]
    public void Every_format_reads_as_the_kernel_shows_it(string mkfs)
    {
        using ReadImages images = new(mkfs);
        AssertReadsAsSeen(images, images.Images);
    }

    [TestCase("max_inline=0,noatime")]
    [TestCase("compress-force=zstd,noatime")]
    public void Every_mount_option_reads_as_the_kernel_shows_it(string mountOptions)
    {
        using ReadImages images = new("", mountOptions: mountOptions);
        AssertReadsAsSeen(images, images.Images);
    }

    [Test]
    public void Simple_quotas_do_no_harm()
    {
        using ReadImages images = new("", prepare: root => KernelException.Check(BtrfsIoctl.EnableQuota(root, simple: true), "start simple quotas"));
        AssertReadsAsSeen(images, images.Images);
    }

    // The devices are given in reverse, and then with as many missing as the profile bears.
    [TestCase("-d raid0 -m raid1", 2, 0)]
    [TestCase("-d single -m raid1", 3, 0)]
    [TestCase("-d raid1 -m raid1", 2, 1)]
    [TestCase("-d raid1c3 -m raid1c4", 4, 2)]
    [TestCase("-d raid10 -m raid10", 4, 1)]
    [TestCase("-d raid5 -m raid5", 3, 1)]
    [TestCase("-d raid6 -m raid6", 4, 2)]
    public void Every_profile_reads_as_the_kernel_shows_it_with_devices_in_any_order_and_missing(string mkfs, int devices, int bears)
    {
        using ReadImages images = new(mkfs, devices);
        AssertReadsAsSeen(images, [.. images.Images.Reverse()]);
        if (bears == 0)
            return;

        using BtrfsFileSystem degraded = BtrfsFileSystem.Open([.. images.Images.Skip(bears)]);
        Assert.That(degraded.Notices.Where(notice => notice.Contains("missing, opened degraded", StringComparison.Ordinal)).ToList(), Has.Count.EqualTo(bears));
        AssertSame(SeenTree.OfImage(degraded.Info), images.Seen);
    }

    [Test]
    public void A_file_system_copied_while_it_was_mounted_shows_what_was_fsynced_or_its_last_commit_as_asked()
    {
        using ReadImages images = new("");
        string copy = Path.Combine(images.Directory, "copy.img");
        using (BtrfsMount mount = images.Mount())
        {
            using Descriptor file = new(KernelException.Check(Syscall.Open(mount.Root, "tree/random"u8, Syscall.OpenReadWrite), "open"));
            KernelException.Check(Syscall.Write(file.Value, new byte[100_000], 50_000), "write");
            KernelException.Check(Syscall.Fsync(file.Value), "fsync");
            SparseFile.Copy(images.Images[0], copy);
        }

        using (BtrfsFileSystem committed = BtrfsFileSystem.Open([copy], new BtrfsOpenOptions { ReplayLog = false }))
        {
            Assert.That(committed.Notices, Has.One.Contains("log tree"));
            AssertSame(SeenTree.OfImage(committed.Info), images.Seen);
        }

        using BtrfsFileSystem fs = BtrfsFileSystem.Open([copy]);
        Assert.That(fs.Notices, Has.One.Contains("log tree"));
        using System.IO.Stream stream = fs.OpenFile("tree/random");
        byte[] fsynced = new byte[100_000];
        stream.Position = 50_000;
        stream.ReadExactly(fsynced);
        Assert.That(fsynced, Has.All.Zero);
    }

    private static void AssertReadsAsSeen(ReadImages images, IReadOnlyList<string> paths)
    {
        using FsInfo fs = FsInfo.Open(DeviceSet.Open(paths, DeviceOpenOptions.Default), new FsOpenOptions { BlockCacheBytes = 1 << 20 });
        Assert.That(fs.Notices, Is.Empty);
        AssertSame(SeenTree.OfImage(fs), images.Seen);
    }

    private static void AssertSame(List<string> have, List<string> expect)
    {
        for (int i = 0; i < Math.Min(have.Count, expect.Count); i++)
            Assert.That(have[i], Is.EqualTo(expect[i]), $"line {i} of {expect.Count}");
        Assert.That(have, Has.Count.EqualTo(expect.Count));
        Assert.That(expect, Has.Count.GreaterThan(900));
    }
}
