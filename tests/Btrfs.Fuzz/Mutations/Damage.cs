using Btrfs.Fuzz.Images;

namespace Btrfs.Fuzz.Mutations;

/// <summary>Makes the damage that a seed stands for.</summary>
internal static class Damage
{
    private const int MaxMutations = 4;

    private static readonly (int Weight, Action<ImageEdit> Apply)[] s_mutations =
    [
        (2, BlockMutations.FlipBytes),
        (2, BlockMutations.ChangeHeader),
        (2, BlockMutations.ChangeItemHeader),
        (2, BlockMutations.ChangePointer),
        (4, BlockMutations.RedirectPointer),
        (2, BlockMutations.LieAboutLevels),
        (3, BlockMutations.Graft),
        (6, ItemMutations.ChangeRecord),
        (12, ItemMutations.ChangeFileRecord),
        (3, ItemMutations.ChangeBytes),
        (5, ItemMutations.Lose),
        (5, ItemMutations.Rekey),
        (5, ItemMutations.DoubleUnderAnotherKey),
        (3, ItemMutations.SwapData),
        (1, ItemMutations.Resize),
        (6, ItemMutations.Reparent),
        (4, ItemMutations.LoopDirectories),
        (6, ItemMutations.RelocateEntry),
        (5, ItemMutations.RenameEntry),
        (4, ItemMutations.CrossRoots),
        (3, OtherMutations.ChangeSuperblock),
        (2, OtherMutations.ChangeSystemChunk),
        (3, OtherMutations.ChangeChunk),
        (6, OtherMutations.ChangeCompressedData),
        (1, OtherMutations.ChangeDataAlone),
        (1, OtherMutations.ForgetChecksums),
    ];

    private static readonly int s_totalWeight = s_mutations.Sum(mutation => mutation.Weight);

    public static DamagedImage Make(IReadOnlyList<BaseImage> images, int seed)
    {
        Random random = new(seed);
        BaseImage image = images[random.Next(images.Count)];
        ImageEdit edit = new(image, random);
        for (int count = random.Next(1, MaxMutations + 1); count > 0; count--)
            Pick(random)(edit);
        return new DamagedImage(image.Name, $"seed {seed}", edit.Finish());
    }

    private static Action<ImageEdit> Pick(Random random)
    {
        int ticket = random.Next(s_totalWeight);
        foreach ((int weight, Action<ImageEdit> apply) in s_mutations)
        {
            ticket -= weight;
            if (ticket < 0)
                return apply;
        }

        return s_mutations[^1].Apply;
    }
}
