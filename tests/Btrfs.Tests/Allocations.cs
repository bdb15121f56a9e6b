namespace Btrfs.Tests;

/// <summary>What a hot path leaves to the garbage collector.</summary>
internal static class Allocations
{
    // When another thread's garbage is collected in the middle, what was left of this thread's piece of the heap (8 KiB) can count as
    // allocated. What truly allocates does so each time.
    private const int Attempts = 5;

    /// <summary>Fails unless a run of the action allocates nothing at all. It is run some more times: the first warms up.</summary>
    public static void AssertNone(Action action)
    {
        action();
        long least = long.MaxValue;
        for (int attempt = 0; attempt < Attempts && least > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.That(least, Is.Zero, "bytes allocated");
    }
}
