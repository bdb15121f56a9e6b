using Microsoft.Win32.SafeHandles;

namespace Btrfs.Storage;

/// <summary>An image file, a loop device or a block device of the host, opened read-only.</summary>
public sealed class FileBlockDevice : IBlockDevice
{
    private readonly SafeFileHandle _file;

    private FileBlockDevice(string name, SafeFileHandle file)
    {
        Name = name;
        _file = file;
        SizeBytes = (ulong)RandomAccess.GetLength(file);
    }

    public string Name { get; }

    public ulong SizeBytes { get; }

    public IReadOnlyList<string> Notices => [];

    /// <exception cref="IOException">There is no such file, or it can't be opened.</exception>
    public static FileBlockDevice Open(string path, DeviceOpenOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new FileBlockDevice(path, File.OpenHandle(path));
    }

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        if (offsetBytes > SizeBytes || (ulong)buffer.Length > SizeBytes - offsetBytes)
            throw new EndOfStreamException($"{Name}: read of {buffer.Length} bytes at {offsetBytes} reaches behind the end at {SizeBytes}");

        while (!buffer.IsEmpty)
        {
            int got = RandomAccess.Read(_file, buffer, (long)offsetBytes);
            if (got == 0)
                throw new EndOfStreamException($"{Name}: the file ends at {offsetBytes}, it was {SizeBytes} bytes long when opened");

            buffer = buffer[got..];
            offsetBytes += (ulong)got;
        }
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Dispose() => _file.Dispose();
}
