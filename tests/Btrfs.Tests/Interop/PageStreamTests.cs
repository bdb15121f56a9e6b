using System.IO.Pipes;
using System.Security.Cryptography;
using Btrfs.Fidelity.Kernel;
using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

/// <summary>Pages that are handed over, between bytes that are written.</summary>
public sealed class PageStreamTests
{
    private const int FileBytes = 3 << 20;

    private string _path = "";
    private byte[] _content = [];

    [SetUp]
    public void MakeFile()
    {
        InteropTest.RequireNative();
        _path = Path.GetTempFileName();
        _content = InteropTest.RandomBytes(TestSeed.Random(), FileBytes);
        File.WriteAllBytes(_path, _content);
    }

    [TearDown]
    public void DeleteFile() => File.Delete(_path);

    [Test]
    public void Bytes_and_pages_arrive_in_the_order_in_which_they_were_given()
    {
        Random random = TestSeed.Random();
        using MemoryStream expected = new();
        byte[] received = ThroughPipe(sink =>
        {
            using NativeFile file = NativeFile.Open(_path);
            for (int step = 0; step < 500; step++)
            {
                byte[] written = InteropTest.RandomBytes(random, random.Next(3) == 0 ? random.Next(200_000) : random.Next(100));
                sink.Write(written);
                expected.Write(written);
                int length = random.Next(1, random.Next(2) == 0 ? 300_000 : 5000);
                int offset = random.Next(FileBytes - length);
                Assert.That(sink.Move(file, offset, length), Is.EqualTo(length));
                expected.Write(_content, offset, length);
            }

            sink.WaitUntilRead(default);
        });
        Assert.That(SHA256.HashData(received), Is.EqualTo(SHA256.HashData(expected.ToArray())));
    }

    [Test]
    public void At_the_end_of_the_file_fewer_bytes_go()
    {
        byte[] received = ThroughPipe(sink =>
        {
            using NativeFile file = NativeFile.Open(_path);
            Assert.That(sink.Move(file, FileBytes - 5000, 9000), Is.EqualTo(5000));
            sink.Flush();
        });
        Assert.That(received, Is.EqualTo(_content[^5000..]));
    }

    [Test]
    public void Once_all_was_read_changing_the_file_changes_nothing_that_went_through()
    {
        byte[] received = ThroughPipe(sink =>
        {
            using NativeFile file = NativeFile.Open(_path, NativeFileMode.ReadWrite);
            Assert.That(sink.Move(file, 0, 200_000), Is.EqualTo(200_000));
            sink.WaitUntilRead(default);
            file.Write(0, new byte[200_000]);
        });
        Assert.That(received, Is.EqualTo(_content[..200_000]));
    }

    [Test]
    public void A_reader_that_takes_its_time_is_waited_for_and_one_that_goes_is_not()
    {
        using AnonymousPipeServerStream writeEnd = new(PipeDirection.Out);
        using AnonymousPipeClientStream readEnd = new(PipeDirection.In, writeEnd.ClientSafePipeHandle);
        using PageStream sink = PageStream.TryOpen(writeEnd, writeEnd.SafePipeHandle)!;
        using NativeFile file = NativeFile.Open(_path);
        sink.Move(file, 0, 4096);
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(50));
        Assert.That(() => sink.WaitUntilRead(soon.Token), Throws.InstanceOf<OperationCanceledException>());
        readEnd.Dispose();
        sink.WaitUntilRead(default);
    }

    [Test]
    public void Without_a_reader_the_stream_below_tells_what_is_wrong()
    {
        using AnonymousPipeServerStream writeEnd = new(PipeDirection.Out);
        new AnonymousPipeClientStream(PipeDirection.In, writeEnd.ClientSafePipeHandle).Dispose();
        using PageStream sink = PageStream.TryOpen(writeEnd, writeEnd.SafePipeHandle)!;
        using NativeFile file = NativeFile.Open(_path);
        Assert.That(
            () =>
            {
                sink.Move(file, 0, 100_000);
                sink.Flush();
            },
            Throws.InstanceOf<IOException>());
    }

    [Test]
    public void A_character_device_takes_pages_and_a_regular_file_does_not()
    {
        using NativeFile file = NativeFile.Open(_path);
        using (FileStream nothing = new("/dev/null", FileMode.Open, FileAccess.Write))
        using (PageStream sink = PageStream.TryOpen(nothing, nothing.SafeFileHandle)!)
        {
            Assert.That(sink.IsPipe, Is.False);
            Assert.That(sink.Move(file, 0, FileBytes), Is.EqualTo(FileBytes));
            sink.WaitUntilRead(default);
        }

        using FileStream regular = new(_path + ".out", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Options = FileOptions.DeleteOnClose });
        Assert.That(PageStream.TryOpen(regular, regular.SafeFileHandle), Is.Null);
    }

    [Test]
    public void Nowhere_takes_what_a_file_has_and_leaves_it_in_the_cache()
    {
        using NativeFile file = NativeFile.Open(_path);
        using PageStream nowhere = PageStream.TryOpenNowhere()!;
        ImageCache.Drop(_path);
        for (int time = 0; time < 2; time++)
        {
            Assert.That(nowhere.Move(file, 0, FileBytes), Is.EqualTo(FileBytes));
            Assert.That(nowhere.Move(file, FileBytes - 10, 100), Is.EqualTo(10));
            Assert.That(nowhere.Move(file, FileBytes + 4096, 100), Is.Zero);
        }

        Assert.That(nowhere.IsPipe, Is.False);
    }

    private static byte[] ThroughPipe(Action<PageStream> give)
    {
        using AnonymousPipeServerStream writeEnd = new(PipeDirection.Out);
        using AnonymousPipeClientStream readEnd = new(PipeDirection.In, writeEnd.ClientSafePipeHandle);
        Task<byte[]> reader = Task.Factory.StartNew(
            () =>
            {
                using MemoryStream received = new();
                readEnd.CopyTo(received);
                return received.ToArray();
            },
            TaskCreationOptions.LongRunning);
        using (PageStream sink = PageStream.TryOpen(writeEnd, writeEnd.SafePipeHandle)!)
            give(sink);
        writeEnd.Dispose();
        return reader.Result;
    }
}
