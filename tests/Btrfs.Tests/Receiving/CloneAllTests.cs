using Btrfs.Engine;
using Btrfs.Fuzz.Streams;
using Btrfs.Inode;
using Btrfs.Stream;

namespace Btrfs.Tests.Receiving;

/// <summary>Streams that clone what the kernel's send would write again.</summary>
internal sealed class CloneAllTests
{
    private const int Files = 1200;
    private const int ExtentBytes = 32 << 10;

    private static readonly ReceiverImage s_image = Make();

    [Test]
    public void An_extent_with_more_references_than_the_kernel_looks_at_is_sent_once_and_shared_by_all_at_the_receiver()
    {
        byte[] whole = Send("first");
        byte[] kernels = Send("first", cloneAll: false);
        Assert.That(kernels, Has.Length.GreaterThan(Files * (ExtentBytes - 8192)), "the kernel writes it for each");
        Assert.That(whole, Has.Length.LessThan(Files * 1000));
        Assert.That(Count(whole, CommandType.Clone), Is.EqualTo(Files));

        ReceiverImage receiver = ReceiverImage.New();
        receiver.Receive(whole);
        Assert.That(receiver.Fault(), Is.Null);
        Assert.That(SentStream.Digest(receiver, "first"), Is.EqualTo(SentStream.Digest(s_image, "first")));
        using BtrfsFileSystem fs = receiver.Open();
        Assert.That(fs.Info.Superblock.BytesUsed.Value, Is.LessThan(8UL << 20));
    }

    [Test]
    public void A_difference_clones_from_the_parent_and_from_what_was_sent_before()
    {
        byte[] difference = Send("second", "first");
        Assert.That(Send("second", "first", cloneAll: false), Has.Length.GreaterThan(1700 * (ExtentBytes - 8192)));
        Assert.That(difference, Has.Length.LessThan(1700 * 1000));

        ReceiverImage receiver = ReceiverImage.New();
        receiver.Receive(Send("first", cloneAll: false));
        receiver.Receive(difference);
        Assert.That(receiver.Fault(), Is.Null);
        Assert.That(SentStream.Digest(receiver, "second"), Is.EqualTo(SentStream.Digest(s_image, "second")));
    }

    private static byte[] Send(string subvolume, string? parent = null, bool cloneAll = true)
    {
        using BtrfsFileSystem fs = s_image.Open();
        using MemoryStream output = new();
        fs.Send(new SendRequest { Subvolumes = [subvolume], Parent = parent is null ? null : (FsPath?)parent, CloneAll = cloneAll }, output);
        return output.ToArray();
    }

    private static int Count(byte[] stream, CommandType type)
    {
        using MemoryStream input = new(stream);
        CommandReader reader = new(input);
        int count = 0;
        while (reader.Read())
            count += reader.Current.Type == type ? 1 : 0;
        return count;
    }

    // An extent that many files refer to, whole, in part, and several times in one; in the second snapshot also one that is new.
    private static ReceiverImage Make()
    {
        ReceiverImage image = ReceiverImage.New();
        using BtrfsFileSystem fs = image.Open(writable: true);
        fs.CreateSubvolume("work");
        Random random = new(5);
        Create(fs, "work/base", random);
        for (int i = 0; i < Files - 2; i++)
            Clone(fs, "work/base", $"work/{i}", (ulong)(i % 3) * 4096, (ulong)(i % 5) * 4096);
        fs.CloneRange("work/base", 0, ExtentBytes, "work/base", 2 * ExtentBytes);
        fs.CloneRange("work/base", 4096, 8192, "work/base", 5 * ExtentBytes);
        fs.CreateSnapshot("work", "first", isReadOnly: true);

        Create(fs, "work/new", random);
        for (int i = 0; i < 1100; i++)
            Clone(fs, i % 2 == 0 ? "work/base" : "work/new", $"work/more{i}", 4096, 0);
        for (int i = 0; i < 600; i++)
            Clone(fs, "work/new", $"work/again{i}", 0, (ulong)i % 2 * 8192);
        fs.Delete("work/3");
        fs.CreateSnapshot("work", "second", isReadOnly: true);
        return image;
    }

    private static void Create(BtrfsFileSystem fs, string path, Random random)
    {
        byte[] bytes = new byte[ExtentBytes];
        random.NextBytes(bytes);
        fs.CreateFile(path);
        fs.WriteFile(path, 0, bytes);
    }

    private static void Clone(BtrfsFileSystem fs, string source, string target, ulong from, ulong to)
    {
        fs.CreateFile(target);
        fs.CloneRange(source, from, ExtentBytes - from, target, to);
    }
}
