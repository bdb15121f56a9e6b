using Btrfs.Fidelity.Generator;

namespace Btrfs.Fidelity;

/// <summary>Which streams of a state are compared: all fulls, all steps, the far ends, and a random share of the rest.</summary>
internal static class RequestPlan
{
    private static readonly (int Protocol, bool Compressed)[] s_modes = [(1, false), (2, false), (2, true)];

    public static List<SendRequest> Make(ulong seed, IReadOnlyList<Snapshot> snapshots)
    {
        SeededRandom random = new(seed ^ 0x5EED0F5E2D);
        List<SendRequest> requests = [];
        if (snapshots.Count == 0)
            return requests;

        foreach (Snapshot snapshot in snapshots)
            AddAllModes(requests, new SendRequest { Subvolume = snapshot.Path });
        foreach (IGrouping<int, Snapshot> lineage in snapshots.GroupBy(snapshot => snapshot.Lineage))
            AddSteps(requests, random, [.. lineage.Select(snapshot => snapshot.Path)]);
        AddRandomPairs(requests, random, snapshots);
        AddCloneSources(requests, random, snapshots);
        AddWithoutData(requests, random, snapshots);
        return requests;
    }

    private static void AddAllModes(List<SendRequest> requests, SendRequest request)
    {
        foreach ((int protocol, bool compressed) in s_modes)
            requests.Add(request with { Protocol = protocol, CompressedData = compressed });
    }

    // As `btrfs send -p` asks: the parent is among the clone sources.
    private static SendRequest Incremental(string subvolume, string parent) =>
        new() { Subvolume = subvolume, Parent = parent, CloneSources = [parent] };

    private static void AddSteps(List<SendRequest> requests, SeededRandom random, string[] paths)
    {
        for (int i = 1; i < paths.Length; i++)
        {
            AddAllModes(requests, Incremental(paths[i], paths[i - 1]));
            // The ioctl without the parent as a clone source: a receiver of such streams shares less.
            requests.Add(InRandomMode(random, new SendRequest { Subvolume = paths[i], Parent = paths[i - 1] }));
        }

        if (paths.Length < 2)
            return;
        AddAllModes(requests, Incremental(paths[^1], paths[0]));
        AddAllModes(requests, Incremental(paths[0], paths[^1]));
        // Backwards in time: everything that was created is deleted.
        int later = random.Between(1, paths.Length - 1);
        requests.Add(InRandomMode(random, Incremental(paths[later - 1], paths[later])));
    }

    // Pairs of any ancestry, among them independent subvolumes that have nothing in common but shared extents.
    private static void AddRandomPairs(List<SendRequest> requests, SeededRandom random, IReadOnlyList<Snapshot> snapshots)
    {
        int count = Math.Min(4, snapshots.Count - 1);
        for (int i = 0; i < count; i++)
        {
            Snapshot child = random.Pick(snapshots);
            Snapshot parent = random.Pick(snapshots);
            requests.Add(InRandomMode(random, Incremental(child.Path, parent.Path)));
        }
    }

    private static void AddCloneSources(List<SendRequest> requests, SeededRandom random, IReadOnlyList<Snapshot> snapshots)
    {
        int count = Math.Min(7, snapshots.Count);
        for (int i = 0; i < count; i++)
        {
            string subvolume = random.Pick(snapshots).Path;
            int chance = random.Pick([20, 50, 100]);
            List<string> sources = [.. snapshots.Where(_ => random.Percent(chance)).Select(snapshot => snapshot.Path)];
            // Naming the subvolume itself, or a source twice, is allowed and must not matter.
            if (random.Percent(70))
                sources.Remove(subvolume);
            if (sources.Count > 0 && random.Percent(10))
                sources.Add(sources[0]);
            string? parent = random.Percent(50) ? random.Pick(snapshots).Path : null;
            if (parent is not null && random.Percent(70) && !sources.Contains(parent))
                sources.Insert(0, parent);
            requests.Add(InRandomMode(random, new SendRequest { Subvolume = subvolume, Parent = parent, CloneSources = [.. sources] }));
        }
    }

    private static void AddWithoutData(List<SendRequest> requests, SeededRandom random, IReadOnlyList<Snapshot> snapshots)
    {
        requests.Add(InRandomMode(random, new SendRequest { Subvolume = random.Pick(snapshots).Path }) with { NoData = true });
        for (int i = 0; i < 2; i++)
            requests.Add(InRandomMode(random, Incremental(random.Pick(snapshots).Path, random.Pick(snapshots).Path)) with { NoData = true });
    }

    private static SendRequest InRandomMode(SeededRandom random, SendRequest request)
    {
        (int protocol, bool compressed) = random.Pick(s_modes);
        return request with { Protocol = protocol, CompressedData = compressed };
    }
}
