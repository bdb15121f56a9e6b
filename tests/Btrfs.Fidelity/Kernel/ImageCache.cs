using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Fidelity.Kernel;

/// <summary>Makes a file cold: its own pages leave memory, and nobody else's on the machine do.</summary>
internal static partial class ImageCache
{
    private const int DontNeed = 4;

    public static void Drop(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

        // Pages that are still to be written stay where they are.
        RandomAccess.FlushToDisk(file);
        int error = Advise((int)file.DangerousGetHandle(), 0, 0, DontNeed);
        if (error != 0)
            throw new IOException($"{path} can't be dropped from the page cache: errno {error}");
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(int descriptor, long offset, long length, int advice);
}
