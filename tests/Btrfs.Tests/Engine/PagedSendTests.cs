using System.IO.Pipes;
using Btrfs.Engine;
using Btrfs.Engine.Making;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Space.Making;
using Btrfs.Stream;
using Btrfs.Tests.Interop;

namespace Btrfs.Tests.Engine;

/// <summary>Sends whose file data goes into a pipe as pages: the same stream, and the same care.</summary>
public sealed class PagedSendTests
{
    private const int FileBytes = 3_000_001;

    private readonly string _directory = Directory.CreateTempSubdirectory("btrfs-pages-").FullName;

    [SetUp]
    public void RequireNative() => InteropTest.RequireNative();

    [OneTimeTearDown]
    public void Delete() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void The_stream_is_the_same_whichever_way_the_data_goes(
        [Values(ChecksumType.Crc32C, ChecksumType.XxHash64)] ChecksumType checksum,
        [Values(1, 2)] int protocol,
        [Values] bool isCompressed,
        [Values] bool verify)
    {
        string image = Make(new MakeOptions { DeviceBytes = 256 << 20, Checksum = checksum }, isCompressed);
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        SendRequest request = new() { Subvolumes = ["snapshot"], Protocol = protocol, CompressedData = isCompressed && protocol == 2 };
        using MemoryStream copied = new();
        long length = fs.Send(request, copied);
        Assert.That(copied.Length, Is.EqualTo(length));
        ReadAll(copied.ToArray());
        Assert.That(ThroughPipe(fs, request with { VerifyData = verify }), Is.EqualTo(copied.ToArray()));
    }

    [Test]
    public void A_damaged_sector_ends_a_send_that_verifies_and_is_found_by_the_receiver_of_one_that_does_not()
    {
        string image = Make(new MakeOptions { DeviceBytes = 256 << 20 });
        Damage(image, copies: 1);
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        SendRequest request = new() { Subvolumes = ["snapshot"] };
        Assert.That(() => ThroughPipe(fs, request), Throws.TypeOf<ChecksumException>().With.Message.Contains("file 'file'"));
        Assert.That(() => fs.Send(request, System.IO.Stream.Null), Throws.TypeOf<ChecksumException>().With.Message.Contains("file 'file'").And.Message.Contains("at offset 1032192"));
        byte[] stream = ThroughPipe(fs, request with { VerifyData = false });
        Assert.That(() => ReadAll(stream), Throws.TypeOf<StreamFormatException>().With.Message.Contains("crc"));
    }

    [Test]
    public void What_one_copy_has_wrong_is_taken_from_the_other()
    {
        string image = Make(new MakeOptions { DeviceBytes = 512 << 20, DataProfile = BlockGroupFlags.Dup });
        using MemoryStream sound = new();
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([image]))
            fs.Send(new SendRequest { Subvolumes = ["snapshot"] }, sound);
        Damage(image, copies: 2);
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([image]))
        {
            Assert.That(ThroughPipe(fs, new SendRequest { Subvolumes = ["snapshot"] }), Is.EqualTo(sound.ToArray()));
            using MemoryStream copied = new();
            fs.Send(new SendRequest { Subvolumes = ["snapshot"] }, copied);
            Assert.That(copied.ToArray(), Is.EqualTo(sound.ToArray()));
        }
    }

    [Test]
    public void A_send_into_a_pipe_that_nobody_reads_any_more_fails()
    {
        string image = Make(new MakeOptions { DeviceBytes = 256 << 20 });
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        using AnonymousPipeServerStream writeEnd = new(PipeDirection.Out);
        new AnonymousPipeClientStream(PipeDirection.In, writeEnd.ClientSafePipeHandle).Dispose();
        Assert.That(() => fs.Send(new SendRequest { Subvolumes = ["snapshot"] }, writeEnd), Throws.InstanceOf<IOException>());
    }

    [Test]
    public void When_a_send_returns_nothing_of_the_image_is_in_the_pipe_any_more()
    {
        string image = Make(new MakeOptions { DeviceBytes = 256 << 20 });
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        using MemoryStream sound = new();
        fs.Send(new SendRequest { Subvolumes = ["snapshot"] }, sound);
        byte[] received = ThroughPipe(fs, new SendRequest { Subvolumes = ["snapshot"] }, readerRests: true, () => Overwrite(image));
        Assert.That(received, Is.EqualTo(sound.ToArray()));
    }

    private string Make(MakeOptions options, bool isCompressed = false)
    {
        string image = Path.Combine(_directory, Guid.NewGuid().ToString());
        ImageMaker.Make([image], options);
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image], new BtrfsOpenOptions { Writable = true });
        fs.CreateSubvolume("work");
        fs.CreateFile("work/file");
        fs.WriteFile("work/file", 0, Content(isCompressed), new WriteOptions { Compression = isCompressed ? CompressionType.Zstd : null });
        fs.CreateFile("work/small");
        fs.WriteFile("work/small", 0, Content(isCompressed).AsSpan(0, 5000));
        fs.CreateSnapshot("work", "snapshot", isReadOnly: true);
        fs.Commit();
        return image;
    }

    // Half random: compressed extents are still long enough to go as pages.
    private static byte[] Content(bool isCompressible)
    {
        byte[] content = new byte[FileBytes];
        new Random(7).NextBytes(content);
        if (isCompressible)
        {
            for (int sector = 0; sector + 1024 < content.Length; sector += 4096)
                content.AsSpan(sector, 1024).Clear();
        }

        return content;
    }

    // The sector at 1 MiB of the file, in the first of its copies.
    private static void Damage(string image, int copies)
    {
        byte[] bytes = File.ReadAllBytes(image);
        byte[] sector = Content(isCompressible: false).AsSpan(1 << 20, 4096).ToArray();
        int first = bytes.AsSpan().IndexOf(sector);
        Assert.That(first, Is.GreaterThan(0));
        Assert.That(bytes.AsSpan(first + 1).IndexOf(sector), copies == 1 ? Is.EqualTo(-1) : Is.GreaterThan(0));
        using FileStream file = File.OpenWrite(image);
        file.Position = first + 100;
        file.WriteByte((byte)~bytes[first + 100]);
    }

    // In place: pages that are cut off with a file would stay as they are.
    private static void Overwrite(string image)
    {
        using FileStream file = File.OpenWrite(image);
        file.Write(new byte[256 << 20]);
    }

    private static void ReadAll(byte[] stream)
    {
        CommandReader reader = new(new MemoryStream(stream));
        while (reader.Read())
        {
        }
    }

    private static byte[] ThroughPipe(BtrfsFileSystem fs, SendRequest request, bool readerRests = false, Action? afterwards = null)
    {
        using AnonymousPipeServerStream writeEnd = new(PipeDirection.Out);
        using AnonymousPipeClientStream readEnd = new(PipeDirection.In, writeEnd.ClientSafePipeHandle);
        Task<byte[]> reader = Task.Factory.StartNew(() => ReadToEnd(readEnd, readerRests), TaskCreationOptions.LongRunning);
        try
        {
            fs.Send(request, writeEnd);
            afterwards?.Invoke();
        }
        finally
        {
            writeEnd.Dispose();
            reader.Wait();
        }

        return reader.Result;
    }

    private static byte[] ReadToEnd(System.IO.Stream pipe, bool rests)
    {
        using MemoryStream received = new();
        byte[] buffer = new byte[32 << 10];
        for (int read; (read = pipe.Read(buffer)) > 0; received.Write(buffer, 0, read))
        {
            if (rests)
                Thread.Sleep(2);
        }

        return received.ToArray();
    }
}
