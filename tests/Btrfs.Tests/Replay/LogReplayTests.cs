using System.Security.Cryptography;
using System.Text;
using Btrfs.Check;
using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Inode.Names;
using Btrfs.Storage;
using Btrfs.Tests.Storage;

namespace Btrfs.Tests.Replay;

/// <summary>The image that a power cut left, with the kernel's word on it: tests/Corpora/logs/README.md.</summary>
public sealed class LogReplayTests
{
    private const int Lies = 400;

    private readonly BaseImage _image = BaseImage.Load(Path.Combine(AppContext.BaseDirectory, "Corpora", "logs", "power-cut.img.gz"));
    private readonly string[] _expected = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Corpora", "logs", "power-cut.expected"));

    [Test]
    public void What_was_fsynced_is_read_though_the_image_is_only_read()
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([new ImageDevice(_image.Bytes)]);
        Assert.That(Seen(fs.Info), Is.EqualTo(_expected));
        Assert.That(fs.Notices, Has.One.Items.And.One.Contains("log tree is replayed in memory"));
    }

    [Test]
    public void Without_a_replay_the_last_commit_is_read()
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([new ImageDevice(_image.Bytes)], new BtrfsOpenOptions { ReplayLog = false });
        List<string> seen = Seen(fs.Info);
        Assert.That(seen, Has.None.StartsWith("new ").And.Some.StartsWith("dir/gone "));
        Assert.That(fs.Notices, Has.One.Items.And.One.Contains("what was only fsynced is not seen"));
    }

    [Test]
    public void Opening_for_writing_replays_the_log_and_leaves_a_sound_file_system_without_one()
    {
        MemoryOverlayDevice device = ImageDevice.Damaged(_image.Bytes, []);
        BtrfsFileSystem.Open([device], new BtrfsOpenOptions { Writable = true }).Dispose();

        using BtrfsFileSystem fs = BtrfsFileSystem.Open([device]);
        Assert.That(fs.Notices, Is.Empty);
        Assert.That(fs.Info.Superblock.LogRoot.Value, Is.Zero);
        Assert.That(Seen(fs.Info), Is.EqualTo(_expected));
        CheckReport report = new FileSystemChecker(fs.Info, new CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
        Assert.That(report.Findings, Is.Empty);
    }

    [Test]
    public void A_broken_log_is_told_of_and_nothing_is_written()
    {
        foreach (LogicalAddress block in LogBlocks())
        {
            Patch damage = new(_image.PhysicalOffsets(block.Value).First() + BlockHeader.Size + 7, [0xA5, 0x5A]);
            byte[] bytes = _image.Bytes.Read(0, (int)_image.Bytes.Length);
            damage.Bytes.CopyTo(bytes, damage.Offset);
            MemoryDevice device = new("disk", bytes);
            Assert.That(
                () => BtrfsFileSystem.Open([device], new BtrfsOpenOptions { Writable = true }),
                Throws.InstanceOf<BtrfsException>().With.Message.StartsWith("the log tree can't be replayed: corrupt metadata: ").And.Message.Contains($"block={block} slot=-1, mirror 1: checksum mismatch"));
            Assert.That(device.Writes, Is.Zero);

            using BtrfsFileSystem fs = BtrfsFileSystem.Open([ImageDevice.Damaged(_image.Bytes, [damage])]);
            Assert.That(fs.Notices, Has.Some.StartsWith("the log tree can't be replayed: corrupt metadata"));
            Assert.That(Seen(fs.Info), Has.None.StartsWith("new "));
        }
    }

    [Test]
    public void A_log_that_lies_is_replayed_or_refused()
    {
        Random random = TestSeed.Random();
        LogicalAddress[] blocks = [.. LogBlocks()];
        int refused = 0;
        for (int i = 0; i < Lies; i++)
        {
            LogicalAddress block = blocks[random.Next(blocks.Length)];
            byte[] bytes = _image.ReadLogical(block.Value, _image.Context.NodeSize);
            int changes = random.Next(1, 4);
            for (int change = 0; change < changes; change++)
                bytes[random.Next(BlockHeader.Size, bytes.Length)] = (byte)random.Next(256);
            Checksums.SealBlock(_image.Checksum, bytes);
            using BtrfsFileSystem fs = BtrfsFileSystem.Open([ImageDevice.Damaged(_image.Bytes, [new Patch(_image.PhysicalOffsets(block.Value).First(), bytes)])]);
            if (fs.Info.Superblock.LogRoot.Value != 0)
                refused++;
        }

        Assert.That(refused, Is.InRange(1, Lies - 1));
    }

    private List<LogicalAddress> LogBlocks()
    {
        using FsInfo fs = FsInfo.Open(DeviceSet.Open([new ImageDevice(_image.Bytes)], DeviceOpenOptions.Default));
        ref readonly Superblock super = ref fs.Superblock;
        TreeRoot list = new(ObjectIds.TreeLog, new LogicalAddress(super.LogRoot), super.Generation + 1, super.LogRootLevel);
        List<LogicalAddress> blocks = [list.Bytenr];
        TreeCursor cursor = fs.OpenCursor(list);
        for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
            blocks.Add(RootRecord.Read(cursor.Key, cursor.Data).Tree.Bytenr);
        return blocks;
    }

    private static List<string> Seen(FsInfo fs)
    {
        List<string> lines = [];
        Walk(fs, new PathLookup(fs).Find(FsPath.Root), "", lines);
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    private static void Walk(FsInfo fs, Location directory, string path, List<string> lines)
    {
        ulong position = 0;
        while (directory.Subvolume.TryReadEntry(directory.Inode, ref position, out DirEntry entry))
        {
            string name = path + Encoding.UTF8.GetString(entry.Name);
            Location at = new PathLookup(fs).Find(name, out Location above);
            FileStatus status = at.GetStatus(above.Inode);
            string content = "-";
            if (status.IsSymbolicLink)
                content = Encoding.UTF8.GetString(at.Subvolume.ReadLink(at.Inode));
            if (status.IsRegular)
            {
                using InodeStream stream = new(at.Subvolume, at.Inode);
                content = Convert.ToHexStringLower(SHA256.HashData(stream));
            }

            IEnumerable<string> xattrs = at.Subvolume.EnumerateXattrs(at.Inode)
                .Select(xattr => $" {Encoding.UTF8.GetString(xattr.Name)}=\"{Encoding.UTF8.GetString(xattr.Value)}\"").Order(StringComparer.Ordinal);
            lines.Add($"{name} {status.Mode:x} {status.LinkCount} {status.Size} {content}{string.Concat(xattrs)}");
            if (status.IsDirectory)
                Walk(fs, at, name + "/", lines);
        }
    }
}
