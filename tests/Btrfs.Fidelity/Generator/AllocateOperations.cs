using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>Preallocation and holes, inside files, over their ends and beyond.</summary>
internal static class AllocateOperations
{
    private const int BlockSize = 4096;

    public static void Any(Session session)
    {
        if (session.PickFile() is not { } file)
            return;
        SeededRandom random = session.Random;
        bool aligned = random.Percent(60);
        long offset = ChooseOffset(random, file.SizeBytes, aligned);
        long length = aligned ? random.Between(1, 40) * BlockSize : random.Between(1, 150_000);
        switch (random.Below(12))
        {
            case < 5:
                Allocate(session, file, Syscall.FallocatePunchHole | Syscall.FallocateKeepSize, offset, length);
                break;
            case 5 or 6:
                Allocate(session, file, 0, offset, length);
                break;
            case 7:
                // Beyond the end and kept out of the size: extents that no reader sees.
                Allocate(session, file, Syscall.FallocateKeepSize, random.Percent(50) ? file.SizeBytes : offset, length);
                break;
            case 8:
                Allocate(session, file, Syscall.FallocateZeroRange | (random.Percent(50) ? Syscall.FallocateKeepSize : 0), offset, length);
                break;
            case 9:
                // Punches that begin behind the end, or run over it.
                Allocate(session, file, Syscall.FallocatePunchHole | Syscall.FallocateKeepSize, Math.Max(0, file.SizeBytes - random.Between(0, 5000)), length);
                break;
            default:
                Allocate(session, file, random.Percent(50) ? Syscall.FallocateKeepSize : 0, offset, length);
                DataOperations.Write(session, file, offset + random.Between(0, length - 1), random.Between(1, 20_000));
                break;
        }
    }

    private static void Allocate(Session session, Node file, int mode, long offset, long length) =>
        session.OpenAndDo(file, Syscall.OpenReadWrite, $"fallocate mode {mode} {offset}+{length}", descriptor =>
        {
            int result = Syscall.Allocate(descriptor, mode, offset, length);
            if (result >= 0 && (mode & Syscall.FallocateKeepSize) == 0)
                file.SizeBytes = Math.Max(file.SizeBytes, offset + length);
            return result;
        });

    private static long ChooseOffset(SeededRandom random, long size, bool aligned)
    {
        long offset = random.Percent(20) ? 0 : random.Between(0, size + (random.Percent(25) ? 100_000 : 0));
        return aligned ? offset / BlockSize * BlockSize : offset;
    }
}
