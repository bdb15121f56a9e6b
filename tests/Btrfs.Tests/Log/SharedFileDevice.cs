using Btrfs.Storage;

namespace Btrfs.Tests.Log;

/// <summary>An image file that somebody else has open for writing, to be read beside them.</summary>
internal sealed class SharedFileDevice(string path) : IBlockDevice
{
    private readonly FileStream _file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    public string Name => path;

    public ulong SizeBytes => (ulong)_file.Length;

    public bool IsMounted => false;

    public bool IsWritable => false;

    public IReadOnlyList<string> Notices => [];

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        if (RandomAccess.Read(_file.SafeFileHandle, buffer, (long)offsetBytes) != buffer.Length)
            throw new EndOfStreamException($"{path}: {buffer.Length} bytes at {offsetBytes} reach behind the end");
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data) => throw new IOException($"{path}: opened read-only");

    public void Flush() => throw new IOException($"{path}: opened read-only");

    public void Discard(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Dispose() => _file.Dispose();
}
