namespace Btrfs.Fidelity.Generator;

/// <summary>What an operation works on: a mix gives each of these a weight.</summary>
internal enum Subject
{
    Create,
    Remove,
    Rename,
    Reshape,
    Link,
    Write,
    Allocate,
    Clone,
    Attribute,
    Nested,
    Bulk,
}

/// <summary>A character for a seed: which subjects its operations are about, and how crowded its tree is.</summary>
/// <param name="Name">For the log.</param>
/// <param name="Weights">One weight for each <see cref="Subject"/>, in order.</param>
/// <param name="TargetNodes">Above this many inodes removals get likelier.</param>
/// <param name="NamePool">How many short names there are: few names, many collisions.</param>
/// <param name="DirectoryPercent">How much of what is created is a directory.</param>
internal sealed record OperationMix(string Name, int[] Weights, int TargetNodes, int NamePool, int DirectoryPercent)
{
    //                                            create remove rename reshape link write alloc clone attr nested bulk
    public static readonly OperationMix[] All =
    [
        new OperationMix("balanced", /*       */ [14, 8, 10, 6, 5, 18, 8, 12, 14, 2, 1], 120, 12, 30),
        new OperationMix("names", /*          */ [16, 12, 26, 18, 10, 4, 1, 2, 4, 2, 0], 60, 8, 50),
        new OperationMix("few-names", /*      */ [14, 10, 30, 24, 10, 3, 0, 0, 2, 0, 0], 18, 4, 60),
        new OperationMix("deep", /*           */ [14, 6, 22, 26, 6, 4, 1, 2, 4, 2, 4], 90, 10, 75),
        new OperationMix("links", /*          */ [12, 10, 14, 6, 34, 6, 1, 2, 5, 0, 4], 60, 10, 30),
        new OperationMix("extents", /*        */ [8, 5, 3, 1, 1, 38, 24, 14, 4, 0, 1], 40, 20, 10),
        new OperationMix("clones", /*         */ [8, 5, 3, 1, 2, 24, 8, 42, 4, 0, 2], 40, 20, 10),
        new OperationMix("attributes", /*     */ [14, 8, 8, 3, 4, 10, 2, 3, 44, 2, 1], 80, 15, 25),
        new OperationMix("churn", /*          */ [30, 28, 14, 6, 8, 8, 1, 2, 4, 4, 0], 50, 8, 35),
        new OperationMix("crowded", /*        */ [24, 5, 12, 4, 10, 12, 3, 6, 10, 2, 12], 600, 26, 20),
    ];

    public Subject Choose(SeededRandom random)
    {
        int point = random.Below(Weights.Sum());
        int subject = 0;
        while (point >= Weights[subject])
            point -= Weights[subject++];
        return (Subject)subject;
    }
}
