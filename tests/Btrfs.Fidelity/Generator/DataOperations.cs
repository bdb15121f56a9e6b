using System.Runtime.InteropServices;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>Writes, truncations and everything else that moves a file's bytes.</summary>
internal static class DataOperations
{
    private const int BlockSize = 4096;

    public static void Any(Session session)
    {
        if (session.PickFile() is not { } file)
        {
            NameOperations.Create(session);
            return;
        }

        SeededRandom random = session.Random;
        switch (random.Below(20))
        {
            case < 10:
                WriteInto(session, file);
                break;
            case < 13:
                Truncate(session, file);
                break;
            case 13 or 14:
                session.OpenAndDo(file, Syscall.OpenReadWrite, "write back", Syscall.WriteBack);
                WriteInto(session, file);
                break;
            case 15:
                WriteDirect(session, file);
                break;
            case 16:
                session.OpenAndDo(file, Syscall.OpenReadWrite, "fsync", Syscall.Fsync);
                break;
            case 17:
                uint compression = (uint)random.Below(4);
                session.OpenAndDo(file, Syscall.OpenReadWrite, $"defragment with compression {compression}",
                    descriptor => BtrfsIoctl.Defragment(descriptor, 0, long.MaxValue, compression));
                break;
            default:
                WriteSparse(session, file);
                break;
        }
    }

    /// <summary>One write somewhere into a file: inside, over its end, far behind it, aligned or not, small or large.</summary>
    public static void WriteInto(Session session, Node file)
    {
        SeededRandom random = session.Random;
        long offset = random.Below(10) switch
        {
            < 4 => 0,
            < 6 => file.SizeBytes,
            < 8 when file.SizeBytes > 0 => random.Between(0, file.SizeBytes - 1),
            8 when file.SizeBytes > 0 => random.Between(0, file.SizeBytes / BlockSize) * BlockSize,
            _ => file.SizeBytes + random.Between(0L, 200_000),
        };
        Write(session, file, offset, ChooseLength(random));
    }

    public static void Write(Session session, Node file, long offset, int length)
    {
        length = (int)Math.Min(length, session.DataLeftBytes);
        if (length <= 0)
            return;
        session.DataLeftBytes -= length;
        byte[] data = session.Contents.Next(length);
        session.OpenAndDo(file, Syscall.OpenReadWrite, $"write {offset}+{length}", descriptor =>
        {
            int result = Syscall.Write(descriptor, data, offset);
            if (result > 0)
                file.SizeBytes = Math.Max(file.SizeBytes, offset + result);
            return result;
        });
    }

    public static void Truncate(Session session, Node file)
    {
        SeededRandom random = session.Random;
        long size = random.Below(8) switch
        {
            0 => 0,
            1 => file.SizeBytes + random.Between(1, 300_000),
            2 => (file.SizeBytes + BlockSize - 1) / BlockSize * BlockSize,
            3 => Math.Max(0, file.SizeBytes - random.Between(1, 100)),
            4 => random.Between(0, file.SizeBytes / BlockSize) * BlockSize,
            5 => file.SizeBytes + random.Between(1, 10),
            _ => random.Between(0, file.SizeBytes),
        };
        session.OpenAndDo(file, Syscall.OpenReadWrite, $"truncate {size}", descriptor =>
        {
            int result = Syscall.Truncate(descriptor, size);
            if (result >= 0)
                file.SizeBytes = size;
            return result;
        });
    }

    public static int ChooseLength(SeededRandom random) => random.Below(20) switch
    {
        < 5 => random.Between(1, 2000),
        < 8 => random.Between(2000, 5000),
        < 11 => random.Between(1, 8) * BlockSize,
        < 15 => random.Between(4097, 70_000),
        < 17 => random.Between(8, 64) * BlockSize,
        < 19 => random.Between(70_000, 300_000),
        _ => random.Between(300_000, 1_500_000),
    };

    private static void WriteSparse(Session session, Node file)
    {
        long offset = file.SizeBytes;
        int count = session.Random.Between(1, 6);
        for (int i = 0; i < count; i++)
        {
            offset += session.Random.Percent(50) ? session.Random.Between(1, 64) * BlockSize : session.Random.Between(1, 400_000);
            int length = session.Random.Between(1, 10_000);
            Write(session, file, offset, length);
            offset += length;
        }

        if (session.Random.Percent(40))
            Truncate(session, file);
    }

    // Direct writes make an extent at once, and none of them is compressed.
    private static unsafe void WriteDirect(Session session, Node file)
    {
        SeededRandom random = session.Random;
        int length = random.Between(1, 24) * BlockSize;
        if (length > session.DataLeftBytes)
            return;
        session.DataLeftBytes -= length;
        long offset = random.Between(0, (file.SizeBytes / BlockSize) + 4) * BlockSize;
        byte[] data = session.Contents.Next(length);
        byte* aligned = (byte*)NativeMemory.AlignedAlloc((nuint)length, BlockSize);
        try
        {
            data.CopyTo(new Span<byte>(aligned, length));
            using Descriptor? descriptor = session.Current.Open(file, Syscall.OpenReadWrite | Syscall.OpenDirect);
            if (descriptor is null)
                return;
            int result = Syscall.Write(descriptor.Value, new ReadOnlySpan<byte>(aligned, length), offset);
            session.Log.Call($"direct write {offset}+{length} {WorkingSubvolume.Show(file)}", result);
            if (result > 0)
                file.SizeBytes = Math.Max(file.SizeBytes, offset + result);
        }
        finally
        {
            NativeMemory.AlignedFree(aligned);
        }
    }
}
