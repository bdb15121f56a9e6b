using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>Where the blocks of a new tree lie: back to back, leaves first, the root last.</summary>
/// <param name="Owner">The tree.</param>
/// <param name="First">Address of the first block.</param>
/// <param name="BlocksOfLevel">How many blocks each level has; the last level has one.</param>
internal sealed record TreeShape(ulong Owner, LogicalAddress First, int[] BlocksOfLevel)
{
    public int Count => BlocksOfLevel.Sum();

    /// <summary>Of the root.</summary>
    public byte Level => (byte)(BlocksOfLevel.Length - 1);

    public LogicalAddress Root(int nodeSize) => Block(Count - 1, nodeSize);

    public LogicalAddress Block(int index, int nodeSize) => First + (ulong)index * (ulong)nodeSize;

    /// <summary>The level of a block.</summary>
    public byte LevelOf(int index)
    {
        int level = 0;
        for (int end = BlocksOfLevel[0]; index >= end; end += BlocksOfLevel[level])
            level++;
        return (byte)level;
    }
}
