using Btrfs.Check;
using Btrfs.Engine;
using Btrfs.Receive;
using Btrfs.Space.Making;
using Btrfs.Storage;

namespace Btrfs.Fuzz.Streams;

/// <summary>A file system in memory for streams to be received onto.</summary>
internal sealed class ReceiverImage
{
    private const ulong DefaultBytes = 256 << 20;

    private readonly MemoryOverlayDevice _device;

    private ReceiverImage(MemoryOverlayDevice device) => _device = device;

    public static ReceiverImage New(MakeOptions? options = null)
    {
        MemoryOverlayDevice device = new(new BlankDevice(DefaultBytes));
        new FileSystemMaker(options ?? new MakeOptions()).Make([device]);
        return new ReceiverImage(device);
    }

    /// <summary>One more, which begins with what this one holds.</summary>
    public ReceiverImage Fork() => new(new MemoryOverlayDevice(_device, leaveOpen: true));

    /// <summary>What is opened; to put something between.</summary>
    public IBlockDevice OpenDevice() => new MemoryOverlayDeviceHandle(_device);

    public BtrfsFileSystem Open(bool writable = false) =>
        BtrfsFileSystem.Open([OpenDevice()], new BtrfsOpenOptions { Writable = writable, BlockCacheBytes = 8 << 20 });

    public IReadOnlyList<ReceivedSubvolume> Receive(byte[] stream, ReceiveOptions? options = null, string directory = "", IProgress<ReceiveProgress>? progress = null)
    {
        using BtrfsFileSystem fs = Open(writable: true);
        using MemoryStream input = new(stream, writable: false);
        return fs.Receive(input, directory, options, progress);
    }

    /// <summary>What our check finds; null for nothing.</summary>
    public string? Fault()
    {
        using BtrfsFileSystem fs = Open();
        CheckReport report = new FileSystemChecker(fs.Info, new CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
        return report.IsClean ? null : string.Join('\n', report.Findings);
    }

    /// <summary>Passes everything on but the end: the device outlives the file systems that are opened on it.</summary>
    private sealed class MemoryOverlayDeviceHandle(MemoryOverlayDevice device) : IBlockDevice
    {
        public string Name => device.Name;

        public ulong SizeBytes => device.SizeBytes;

        public bool IsMounted => false;

        public bool IsWritable => true;

        public IReadOnlyList<string> Notices => [];

        public void Read(ulong offsetBytes, Span<byte> buffer) => device.Read(offsetBytes, buffer);

        public void Prefetch(ulong offsetBytes, ulong lengthBytes)
        {
        }

        public void Write(ulong offsetBytes, ReadOnlySpan<byte> data) => device.Write(offsetBytes, data);

        public void Flush() => device.Flush();

        public void Discard(ulong offsetBytes, ulong lengthBytes) => device.Discard(offsetBytes, lengthBytes);

        public void Dispose()
        {
        }
    }

    /// <summary>Zeros.</summary>
    private sealed class BlankDevice(ulong sizeBytes) : IBlockDevice
    {
        public string Name => "memory";

        public ulong SizeBytes => sizeBytes;

        public bool IsMounted => false;

        public bool IsWritable => false;

        public IReadOnlyList<string> Notices => [];

        public void Read(ulong offsetBytes, Span<byte> buffer) => buffer.Clear();

        public void Prefetch(ulong offsetBytes, ulong lengthBytes)
        {
        }

        public void Write(ulong offsetBytes, ReadOnlySpan<byte> data) => throw new IOException("opened read-only");

        public void Flush()
        {
        }

        public void Discard(ulong offsetBytes, ulong lengthBytes)
        {
        }

        public void Dispose()
        {
        }
    }
}
