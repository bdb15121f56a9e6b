using System.Text;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Inode.Names;

namespace Btrfs.Tests.Inode;

public sealed class InodeStreamTests
{
    [TestCaseSource(typeof(SampleImage), nameof(SampleImage.Names))]
    public void Known_contents_are_read(string image)
    {
        using FsInfo fs = SampleImage.Open(image);
        byte[] plain = Seq(15000);
        Assert.That(ReadAll(fs, "before/tree/plain").AsSpan().SequenceEqual(plain));
        Assert.That(ReadAll(fs, "after/tree/clone").AsSpan().SequenceEqual(plain));
        plain.AsSpan(16384).Clear();
        Assert.That(ReadAll(fs, "after/tree/plain").AsSpan().SequenceEqual(plain));
        Assert.That(ReadAll(fs, "after/tree/nosum").AsSpan().SequenceEqual(Seq(2000)));
        foreach (string algorithm in (string[])["zlib", "lzo", "zstd"])
        {
            byte[] large = [.. Seq(9000), .. Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(algorithm + "\n", 50_000)))[..200_000]];
            Assert.That(ReadAll(fs, $"before/tree/{algorithm}/large").AsSpan().SequenceEqual(large), algorithm);
            Assert.That(ReadAll(fs, $"before/tree/{algorithm}/inline").AsSpan().SequenceEqual(Seq(400)), algorithm);
        }

        byte[] sparse = new byte[1 << 20];
        "island\n"u8.CopyTo(sparse.AsSpan(99 * 4096));
        Assert.That(ReadAll(fs, "after/tree/sparse").AsSpan().SequenceEqual([.. sparse, .. "tail\n"u8]));
    }

    [TestCaseSource(typeof(SampleImage), nameof(SampleImage.Names))]
    public void Pieces_at_random_places_are_those_of_the_whole(string image)
    {
        Random random = TestSeed.Random();
        using FsInfo fs = SampleImage.Open(image);
        FileReader shared = new(fs);
        int files = 0;
        foreach ((Location at, string name) in Files(fs, "after"))
        {
            using InodeStream stream = new(at.Subvolume, at.Inode, shared);
            byte[] whole = new byte[stream.Length];
            stream.ReadExactly(whole);
            Assert.That(stream.Read(new byte[10]), Is.Zero, name);
            for (int i = 0; i < 20; i++)
            {
                int start = random.Next(whole.Length + 1);
                byte[] piece = new byte[random.Next(random.Next(3) == 0 ? 300_000 : 9000)];
                stream.Position = start;
                int read = stream.Read(piece);
                Assert.That(read, Is.EqualTo(Math.Min(piece.Length, whole.Length - start)), name);
                Assert.That(piece.AsSpan(0, read).SequenceEqual(whole.AsSpan(start, read)), $"{name} at {start}, {read} bytes");
            }

            AssertDataRuns(stream, whole, name);
            files++;
        }

        Assert.That(files, Is.GreaterThan(60));
    }

    [Test]
    public void Positions_behave_as_those_of_any_stream()
    {
        using FsInfo fs = SampleImage.Open();
        using InodeStream stream = SampleImage.OpenFile(fs, "after/tree/sparse");
        Assert.That(stream.Seek(-5, SeekOrigin.End), Is.EqualTo(stream.Length - 5));
        byte[] tail = new byte[100];
        Assert.That(stream.Read(tail), Is.EqualTo(5));
        Assert.That(tail.AsSpan(0, 5).SequenceEqual("tail\n"u8));
        Assert.That(stream.Seek(10, SeekOrigin.Current), Is.EqualTo(stream.Length + 10));
        Assert.That(stream.Read(tail), Is.Zero);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => stream.Position = -1, Throws.TypeOf<IOException>());
            Assert.That(() => stream.Write(tail), Throws.TypeOf<NotSupportedException>());
            Assert.That(() => stream.SetLength(0), Throws.TypeOf<NotSupportedException>());
            Assert.That((stream.CanRead, stream.CanSeek, stream.CanWrite), Is.EqualTo((true, true, false)));
        }
    }

    [Test]
    public void What_is_no_file_can_not_be_opened_as_one()
    {
        using FsInfo fs = SampleImage.Open();
        Assert.That(() => SampleImage.OpenFile(fs, "after/tree"), Throws.TypeOf<InvalidRequestException>());
        Assert.That(() => SampleImage.OpenFile(fs, "after/tree/fifo"), Throws.TypeOf<InvalidRequestException>());
    }

    [Test]
    public void A_bad_sector_ends_the_read_with_inode_offset_and_address()
    {
        BaseImage image = SampleImage.Base("single");
        Location plain;
        ulong logical;
        using (FsInfo whole = SampleImage.Open())
        {
            plain = new PathLookup(whole).Find("before/tree/plain");
            TreeCursor cursor = plain.Subvolume.OpenCursor();
            Assert.That(cursor.TryFind(new Key(plain.Inode, ItemType.ExtentData, 0)));
            logical = FileExtent.At(cursor).DiskBytenr + 8192;
        }

        byte[] good = image.ReadLogical(logical, 4096);
        byte[] bad = [.. good];
        bad[100] ^= 1;
        using FsInfo fs = SampleImage.Open(damage: [.. image.PhysicalOffsets(logical).SelectMany(offset => Patch.Between(good, bad, offset))]);
        using InodeStream stream = SampleImage.OpenFile(fs, "before/tree/plain");
        byte[] sector = new byte[4096];
        stream.ReadExactly(sector);
        stream.Position = 8192;
        Assert.That(
            () => stream.Read(sector),
            Throws.TypeOf<ChecksumException>().With.Message.StartsWith($"root={plain.Subvolume.Id} inode={plain.Inode} file offset=8192: ").And.Message.Contains($"logical address {logical}"));
    }

    private static void AssertDataRuns(InodeStream stream, byte[] whole, string name)
    {
        long last = 0;
        for (long from = 0; stream.TryFindData(from, out long start, out long end); from = end)
        {
            Assert.That(start, Is.GreaterThanOrEqualTo(from), name);
            Assert.That(end, Is.GreaterThan(start).And.AtMost(whole.Length), name);
            Assert.That(whole.AsSpan((int)last, (int)(start - last)).ContainsAnyExcept((byte)0), Is.False, $"{name}: data between {last} and {start}");
            last = end;
        }

        Assert.That(whole.AsSpan((int)last).ContainsAnyExcept((byte)0), Is.False, $"{name}: data behind {last}");
    }

    private static IEnumerable<(Location At, string Name)> Files(FsInfo fs, FsPath top)
    {
        DirectoryWalk walk = new(fs, new PathLookup(fs).Find(top));
        while (true)
        {
            while (walk.TryRead(out DirEntry entry))
            {
                string name = Encoding.UTF8.GetString(entry.Name);
                FileStatus status = walk.TargetStatus;
                if (status.IsDirectory)
                    walk.Enter();
                else if (status.IsRegular)
                    yield return (walk.Target, name);
            }

            if (!walk.TryLeave())
                yield break;
        }
    }

    private static byte[] ReadAll(FsInfo fs, FsPath path)
    {
        using InodeStream stream = SampleImage.OpenFile(fs, path);
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    private static byte[] Seq(int last) => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, last).Select(i => $"{i}\n")));
}
