using System.Globalization;
using System.Text;
using Btrfs.Fidelity.Devices;

namespace Btrfs.Crash.Running;

/// <summary>
/// What survives of the writes since the last flush, for one power cut: for each device some of them in some order, whole or in part. Devices differ.
/// </summary>
/// <param name="kind">Which kind of cut.</param>
/// <param name="random">Chooses.</param>
internal sealed class PowerCut(PowerCutKind kind, Random random)
{
    private const int SectorSize = 512;
    private readonly StringBuilder _text = new();

    /// <summary>What came out of it: the same text is the same state of the disks.</summary>
    public override string ToString() => $"{kind}{_text}";

    /// <summary>Text that is the same for all kinds that leave the same.</summary>
    public string Outcome => _text.ToString();

    /// <summary>The survivors of one device's unflushed writes.</summary>
    public IEnumerable<DeviceWrite> Survive(IReadOnlyList<DeviceWrite> unflushed)
    {
        int[] order = [.. Enumerable.Range(0, unflushed.Count)];
        int torn = -1;
        switch (kind)
        {
            case PowerCutKind.NothingSurvives:
                order = [];
                break;
            case PowerCutKind.AllSurvives:
                break;
            case PowerCutKind.FirstSurvive:
                order = order[..random.Next(order.Length + 1)];
                break;
            case PowerCutKind.OneIsLost:
                if (order.Length > 0)
                    order = [.. order.Where((_, index) => index != random.Next(order.Length))];
                break;
            case PowerCutKind.OneSurvives:
                if (order.Length > 0)
                    order = [order[random.Next(order.Length)]];
                break;
            case PowerCutKind.LastSurvive:
                order = order[random.Next(order.Length + 1)..];
                break;
            case PowerCutKind.SomeInAnyOrder:
                random.Shuffle(order);
                order = order[..random.Next(order.Length + 1)];
                break;
            default:
                random.Shuffle(order);
                order = order[..random.Next(Math.Min(1, order.Length), order.Length + 1)];
                torn = order.Length > 0 ? order[random.Next(order.Length)] : -1;
                break;
        }

        return Apply(unflushed, order, torn);
    }

    private List<DeviceWrite> Apply(IReadOnlyList<DeviceWrite> unflushed, int[] order, int torn)
    {
        List<DeviceWrite> survivors = [];
        _text.Append('|');
        HashSet<int> members = [.. order];
        for (int index = 0; index < unflushed.Count; index++)
            _text.Append(members.Contains(index) ? '1' : '0');

        foreach (int index in order)
        {
            DeviceWrite write = unflushed[index];
            if (index == torn || (torn >= 0 && kind == PowerCutKind.AllAreTorn))
                Tear(write, index, survivors);
            else
                survivors.Add(write);
        }

        // Only where two writes meet makes their order a difference.
        if (Overlap(unflushed))
            _text.Append(':').AppendJoin(',', order);
        return survivors;
    }

    private void Tear(DeviceWrite write, int index, List<DeviceWrite> survivors)
    {
        _text.Append(CultureInfo.InvariantCulture, $"~{index}:");
        bool isCut = random.Next(2) == 0;
        int cut = random.Next((write.Data.Length / SectorSize) + 1);
        for (int start = 0, sector = 0; start < write.Data.Length; start += SectorSize, sector++)
        {
            bool survives = isCut ? sector < cut : random.Next(2) == 0;
            _text.Append(survives ? '1' : '0');
            if (survives)
                survivors.Add(new DeviceWrite(write.Offset + (ulong)start, write.Data[start..Math.Min(start + SectorSize, write.Data.Length)]));
        }
    }

    private static bool Overlap(IReadOnlyList<DeviceWrite> writes)
    {
        DeviceWrite[] sorted = [.. writes.OrderBy(write => write.Offset)];
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i - 1].Offset + (ulong)sorted[i - 1].Data.Length > sorted[i].Offset)
                return true;
        }

        return false;
    }
}

/// <summary>How unflushed writes fare.</summary>
internal enum PowerCutKind
{
    NothingSurvives,
    AllSurvives,
    FirstSurvive,
    LastSurvive,
    OneIsLost,
    OneSurvives,
    SomeInAnyOrder,
    OneIsTorn,
    AllAreTorn,
}
