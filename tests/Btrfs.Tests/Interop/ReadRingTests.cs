using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

public sealed class ReadRingTests
{
    private string _path = "";
    private byte[] _data = [];

    [SetUp]
    public void MakeFile()
    {
        _path = Path.GetTempFileName();
        _data = InteropTest.RandomBytes(TestSeed.Random(), 300_001);
        File.WriteAllBytes(_path, _data);
    }

    [TearDown]
    public void RemoveFile() => File.Delete(_path);

    [Test]
    public void Every_read_of_a_batch_gets_its_bytes([Values] ReadRingMode wish, [Values] bool isManagedFile, [Values(1, 3, 64)] int depth)
    {
        Random random = TestSeed.Random();
        using NativeFile file = isManagedFile || !NativeLibraryStatus.IsLoaded
            ? ManagedFile.Open(_path, NativeFileMode.Read)
            : ShimFile.Open(_path, NativeFileMode.Read, direct: false);
        using ReadRing ring = new(depth, wish);
        TestContext.Out.WriteLine($"asked for {wish}, got {ring.Mode}");

        for (int round = 0; round < 5; round++)
        {
            ReadRequest[] requests = new ReadRequest[random.Next(200)];
            for (int i = 0; i < requests.Length; i++)
            {
                // Arrays and aligned memory, full reads, short ones over the end, and empty ones.
                int length = random.Next(9000);
                Memory<byte> buffer = random.Next(2) == 0 ? new byte[length] : AlignedMemory.Allocate(length, 512);
                requests[i] = new ReadRequest { File = file, OffsetBytes = random.Next(_data.Length + 1000), Buffer = buffer };
            }

            ring.Read(requests);

            foreach (ReadRequest request in requests)
            {
                int expected = (int)Math.Max(0, Math.Min(request.Buffer.Length, _data.Length - request.OffsetBytes));
                Assert.That(request.Result, Is.EqualTo(expected));
                Assert.That(request.Buffer.Span[..expected].SequenceEqual(_data.AsSpan((int)Math.Min(request.OffsetBytes, _data.Length), expected)));
                Assert.That(request.ThrowIfFailed, Throws.Nothing);
            }
        }
    }

    [Test]
    public void A_failed_read_leaves_the_others_alone([Values] ReadRingMode wish)
    {
        InteropTest.RequireNative();
        using NativeFile good = ShimFile.Open(_path, NativeFileMode.Read, direct: false);
        using NativeFile direct = OpenDirectOrIgnore();
        using ReadRing ring = new(8, wish);
        Memory<byte> aligned = AlignedMemory.Allocate(8192, 4096);
        ReadRequest[] requests =
        [
            new() { File = good, OffsetBytes = 0, Buffer = new byte[100] },
            new() { File = direct, OffsetBytes = 1, Buffer = aligned.Slice(1, 100) },
            new() { File = good, OffsetBytes = 100, Buffer = new byte[100] },
        ];

        ring.Read(requests);

        Assert.That(requests[0].Result, Is.EqualTo(100));
        Assert.That(requests[2].Result, Is.EqualTo(100));
        Assert.That(requests[1].Result, Is.EqualTo(-NativeErrors.InvalidArgument));
        Assert.That(requests[1].ThrowIfFailed, Throws.InstanceOf<IOException>().With.Message.Contains(_path));
    }

    [Test]
    public void A_closed_file_in_a_batch_is_refused_and_nothing_stays_held()
    {
        InteropTest.RequireNative();
        using NativeFile open = ShimFile.Open(_path, NativeFileMode.Read, direct: false);
        NativeFile closed = ShimFile.Open(_path, NativeFileMode.Read, direct: false);
        closed.Dispose();
        using ReadRing ring = new(8);

        Assert.That(
            () => ring.Read([new() { File = open, Buffer = new byte[10] }, new() { File = closed, Buffer = new byte[10] }]),
            Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(open.Read(0, new byte[10]), Is.EqualTo(10));
    }

    [TestCase(0)]
    [TestCase(4097)]
    public void A_depth_that_makes_no_sense_is_refused(int depth) =>
        Assert.That(() => new ReadRing(depth), Throws.InstanceOf<ArgumentOutOfRangeException>());

    private ShimFile OpenDirectOrIgnore()
    {
        try
        {
            return ShimFile.Open(_path, NativeFileMode.Read, direct: true);
        }
        catch (IOException exception) when (exception.HResult == NativeErrors.InvalidArgument)
        {
            Assert.Ignore($"no O_DIRECT here: {exception.Message}");
            throw;
        }
    }
}
