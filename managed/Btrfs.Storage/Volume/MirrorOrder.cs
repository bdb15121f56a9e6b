namespace Btrfs.Storage;

/// <summary>The order in which mirrors are tried: the preferred one, then the others from 1 up.</summary>
internal static class MirrorOrder
{
    /// <param name="preferred">From 1.</param>
    /// <param name="attempt">From 0.</param>
    public static int Nth(int preferred, int attempt) => attempt == 0 ? preferred : attempt < preferred ? attempt : attempt + 1;
}
