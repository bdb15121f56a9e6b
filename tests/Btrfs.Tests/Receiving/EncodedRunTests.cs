using Btrfs.Engine;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;
using Btrfs.Fuzz.Streams;
using Btrfs.Receive;
using Btrfs.Storage;
using Btrfs.Stream;

namespace Btrfs.Tests.Receiving;

/// <summary>Encoded writes that continue one another, and so are stored by another thread.</summary>
internal sealed class EncodedRunTests
{
    private const int Extents = 60;
    private const int ExtentBytes = FormatLimits.MaxCompressedExtent;
    private const uint Zstd = 2;

    [Test]
    public void A_run_of_compressed_extents_is_stored_as_it_comes_and_sent_on_alike([Values(0, 5000)] int tail)
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] content = Content((Extents * ExtentBytes) + tail);

        image.Receive(Run(new StreamScript().Subvol("s").Mkfile("a"), content).End());

        Assert.That(image.Fault(), Is.Null);
        Assert.That(EncodedWritesOf(SentStream.Of(image, "s", compressed: true)), Is.EqualTo(EncodedWritesOf(Run(new StreamScript().Subvol("s").Mkfile("a"), content).End())));
        using BtrfsFileSystem fs = image.Open();
        Assert.That(ReceiveTests.Content(fs, "s/a"), Is.EqualTo(content));
    }

    [Test]
    public void What_interrupts_a_run_finds_all_of_it_there()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] content = Content(Extents * ExtentBytes);
        StreamScript script = Run(new StreamScript().Subvol("s").Mkfile("a"), content).Clone("a", (ulong)content.Length, 4096, StreamScript.Sender, "a", (ulong)content.Length - 4096);
        Run(script.Mkfile("b"), content.AsSpan(0, 10 * ExtentBytes), path: "b").Write("b", (10 * ExtentBytes) - 3, "plain"u8);
        Run(script, content).Write("a", 77, "changed"u8);

        image.Receive(script.End());

        byte[] expected = [.. content, .. content[^4096..]];
        "changed"u8.CopyTo(expected.AsSpan(77));
        Assert.That(image.Fault(), Is.Null);
        using BtrfsFileSystem fs = image.Open();
        Assert.That(ReceiveTests.Content(fs, "s/a"), Is.EqualTo(expected), "written, shared, written over as a whole, and in part");
        Assert.That(ReceiveTests.Content(fs, "s/b"), Is.EqualTo((byte[])[.. content[..((10 * ExtentBytes) - 3)], .. "plain"u8]));
    }

    [Test]
    public void A_bad_extent_within_a_run_is_told_with_its_own_place_and_nothing_else_is_lost()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] content = Content(Extents * ExtentBytes);
        StreamScript script = Run(new StreamScript().Subvol("s").Mkfile("a"), content.AsSpan(0, 20 * ExtentBytes));
        long place = script.Cut().Length;
        script.Encoded("a", 20 * ExtentBytes, ExtentBytes, ExtentBytes, 0, Zstd, "nothing that anybody encoded"u8);
        byte[] stream = Run(script, content, 21).End();

        ReceiveException refused = Assert.Throws<ReceiveException>(() => ReceiverImage.New().Receive(stream))!;
        image.Receive(stream, new ReceiveOptions { MaxErrors = 0 });

        content.AsSpan(20 * ExtentBytes, ExtentBytes).Clear();
        Assert.That(refused.Offset, Is.EqualTo(place));
        Assert.That(image.Fault(), Is.Null);
        using BtrfsFileSystem fs = image.Open();
        Assert.That(ReceiveTests.Content(fs, "s/a"), Is.EqualTo(content));
    }

    [Test]
    public void A_run_that_finds_no_room_leaves_the_file_system_whole()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] content = Content(Extents * ExtentBytes);
        StreamScript script = new StreamScript().Subvol("s");
        for (int file = 0; file < 60; file++)
            Run(script.Mkfile($"f{file}"), content, path: $"f{file}");

        Assert.That(() => image.Receive(script.End()), Throws.TypeOf<ReceiveException>().With.InnerException.TypeOf<NoSpaceException>());

        Assert.That(image.Fault(), Is.Null);
    }

    [Test]
    public void A_batch_that_could_not_be_written_is_not_skipped_by_those_after_it_and_a_resume_makes_it_whole([Values] bool isEncoded, [Values(0, 1, 2)] int failing)
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] content = Content(Extents * ExtentBytes);
        StreamScript script = new StreamScript().Subvol("s").Mkfile("a");
        byte[] stream = (isEncoded ? Run(script, content) : Plain(script, content)).End();

        using (FaultyDevice device = new(image.OpenDevice()))
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([device], new BtrfsOpenOptions { Writable = true }))
        using (MemoryStream input = new(stream))
        {
            // The first extents of a run go out one by one, before a thread is worth it.
            device.Fail(DeviceCall.Write, (isEncoded ? 5 : 0) + failing, 1);
            Assert.That(() => fs.Receive(input, ""), Throws.InstanceOf<IOException>());
        }

        image.Receive(stream, new ReceiveOptions { Resume = HasPart(image) });

        Assert.That(image.Fault(), Is.Null);
        using BtrfsFileSystem received = image.Open();
        Assert.That(ReceiveTests.Content(received, "s/a"), Is.EqualTo(content));
    }

    private static bool HasPart(ReceiverImage image)
    {
        using BtrfsFileSystem fs = image.Open();
        return fs.FindReceivedParts().Count > 0;
    }

    private static StreamScript Plain(StreamScript script, byte[] content)
    {
        const int Piece = 48 << 10;
        for (int begin = 0; begin < content.Length; begin += Piece)
            script.Write("a", (ulong)begin, content.AsSpan(begin, Math.Min(Piece, content.Length - begin)));
        return script;
    }

    // Half of each sector is random.
    private static byte[] Content(int bytes)
    {
        byte[] content = new byte[bytes];
        Random random = new(9);
        for (int sector = 0; sector + 2048 <= bytes; sector += 4096)
            random.NextBytes(content.AsSpan(sector, 2048));
        return content;
    }

    private static StreamScript Run(StreamScript script, ReadOnlySpan<byte> content, int first = 0, string path = "a")
    {
        byte[] encoded = new byte[ExtentBytes];
        for (int begin = first * ExtentBytes; begin < content.Length; begin += ExtentBytes)
        {
            int length = Math.Min(content.Length - begin, ExtentBytes);
            Assert.That(ExtentCodec.Compress(CompressionType.Zstd, 0, content.Slice(begin, length), encoded, 4096, out int bytes));
            script.Encoded(path, (ulong)begin, (ulong)length, (ulong)length, 0, Zstd, encoded.AsSpan(0, bytes));
        }

        return script;
    }

    // Without the zeros that end the last sector of each.
    private static List<string> EncodedWritesOf(byte[] stream)
    {
        using MemoryStream input = new(stream);
        CommandReader reader = new(input);
        List<string> writes = [];
        while (reader.Read())
        {
            StreamCommand command = reader.Current;
            if (command.Type == CommandType.EncodedWrite)
                writes.Add($"{command.GetU64(AttributeType.FileOffset)} {command.GetU64(AttributeType.UnencodedFileLen)} {Convert.ToHexString(command.GetBytes(AttributeType.Data).TrimEnd((byte)0))}");
        }

        return writes;
    }
}
