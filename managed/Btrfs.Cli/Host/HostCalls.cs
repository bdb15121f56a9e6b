using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Btrfs.Cli.Host;

/// <summary>What the runtime has no call for, from the C library of 64-bit Linux.</summary>
internal static unsafe partial class HostCalls
{
    private const int CurrentDirectory = -100;
    private const uint TypeMask = 0xF000;
    private const uint Regular = 0x8000;

    // struct statx is the same everywhere: 256 bytes, the mode 28 bytes in.
    private const int StatSize = 256;
    private const int StatModeOffset = 28;
    private const uint StatType = 1;

    /// <summary>Whether a path, symbolic links followed, is a file on a disk rather than a device or a pipe.</summary>
    public static bool IsRegularFile(string path)
    {
        byte* stat = stackalloc byte[StatSize];
        fixed (byte* text = Encoding.UTF8.GetBytes(path + '\0'))
        {
            return Statx(CurrentDirectory, text, 0, StatType, stat) == 0
                && (BinaryPrimitives.ReadUInt16LittleEndian(new ReadOnlySpan<byte>(stat + StatModeOffset, sizeof(ushort))) & TypeMask) == Regular;
        }
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, byte* data, nint count);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int Statx(int directory, byte* path, int flags, uint mask, byte* result);
}
